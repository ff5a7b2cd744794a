//go:build !plantedbug_grant

package schedule

// finished says that every task of the batch has finished; before that nothing may be granted.
func finished(b *batch) bool { return b.undone == 0 }
