//go:build !race

package batchlog_test

const stride = 1
