//go:build plantedbug_reuse

package schedule

const planted = reuseBug
