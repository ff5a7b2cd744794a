//go:build plantedbug_grant

package schedule

// finished is wrong on purpose: it does not wait for the last stage of the main program. The tests must notice.
func finished(b *batch) bool {
	stages := b.programs[0].stages
	return b.undone == 0 || len(stages) > 0 && b.undone == stages[len(stages)-1].undone
}
