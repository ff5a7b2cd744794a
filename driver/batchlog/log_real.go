//go:build !plantedbug_log

package batchlog

// planted switches on a bug that the tests of this package must find: see
// log_planted.go.
const planted = false
