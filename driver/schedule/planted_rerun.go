//go:build plantedbug_rerun

package schedule

const planted = rerunBug
