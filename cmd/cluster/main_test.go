package main

import (
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	batch := func(n, ticks int64, committed time.Duration) timed {
		b := timed{Batch: n, Outcome: "committed", Ticks: ticks, Interval: 100 * time.Millisecond}
		b.Timeline.Committed = committed
		return b
	}
	failed := batch(4, 9, time.Hour)
	failed.Outcome = "failed"
	all := []timed{batch(1, 9, time.Second), batch(2, 1, 20*time.Millisecond), batch(3, 1, 101*time.Millisecond), failed, batch(4, 3, 10*time.Millisecond), batch(5, 1, time.Second)}
	if late, load, n := judge(all, 2, 4); late != 2 || load != 0.2 || n != 3 {
		t.Errorf("%d late of %d, load %v", late, n, load)
	}
	if _, load, n := judge(nil, 1, 9); n != 0 || load != 0 {
		t.Error(n, load)
	}
}
