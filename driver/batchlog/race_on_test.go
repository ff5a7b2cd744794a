//go:build race

package batchlog_test

// stride between the calls at which the crash tests stop: the race detector
// makes each run ten times dearer, and a run without it visits them all.
const stride = 7
