//go:build plantedbug_copy

package schedule

const planted = copyBug
