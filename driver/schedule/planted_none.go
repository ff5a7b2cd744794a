//go:build !plantedbug_reuse && !plantedbug_report && !plantedbug_copy && !plantedbug_rerun

package schedule

const planted = noBug
