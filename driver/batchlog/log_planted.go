//go:build plantedbug_log

package batchlog

// planted makes Append report success before its sync, and recovery believe the
// last record of a log without its checksum. It exists to show that the tests
// can fail: TestCrashEverywhere, TestBitFlips and others do with this tag.
const planted = true
