//go:build plantedbug_report

package schedule

const planted = reportBug
