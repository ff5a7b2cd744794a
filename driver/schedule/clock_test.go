package schedule

import (
	"testing"
	"time"
)

func TestClockDue(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		interval, now time.Duration
		last          Tick
		tick          Tick
		due           bool
		wake          time.Duration
	}{
		{1000 * ms, 5000 * ms, 4, 5, true, 6000 * ms},
		{1000 * ms, 5999 * ms, 4, 5, true, 6000 * ms},
		{1000 * ms, 5999 * ms, 5, 5, false, 6000 * ms},
		{1000 * ms, 9001 * ms, 5, 9, true, 10000 * ms}, // behind: the newest only
		{1000 * ms, 3000 * ms, 5, 5, false, 6000 * ms}, // set back
		{1000 * ms, 0, 0, 0, false, 1000 * ms},         // the epoch itself is no tick
		{1500 * ms, 4499 * ms, 0, 2, true, 4500 * ms},  // not a whole second
		{1000 * ms, -1 * ms, -2, -1, true, 0},          // before the epoch it rounds down as well
		{1000 * ms, -1000 * ms, -2, -1, true, 0},       //
		{7 * time.Nanosecond, 20, 1, 2, true, 3 * 7},   //
		{24 * time.Hour, 49 * time.Hour, 1, 2, true, 72 * time.Hour},
	} {
		tick, due, wake := Clock{c.interval}.Due(time.Unix(0, int64(c.now)), c.last)
		if tick != c.tick || due != c.due || wake.Sub(time.Unix(0, 0)) != c.wake {
			t.Errorf("%+v: got %d %v %v", c, tick, due, wake.Sub(time.Unix(0, 0)))
		}
	}
}

// TestClockLoop wakes a clock late each time: no tick is told twice, and all are covered.
func TestClockLoop(t *testing.T) {
	c := Clock{5 * time.Millisecond}
	now, last := time.Unix(1_700_000_000, 1), Tick(0)
	for i := range 100 {
		tick, due, wake := c.Due(now, last)
		if !due || tick <= last || c.At(tick).After(now) || !c.At(tick+1).Equal(wake) || !wake.After(now) {
			t.Fatalf("step %d: at %v got %d %v %v after %d", i, now, tick, due, wake, last)
		}
		last = tick
		now = wake.Add(time.Duration(i*i) * time.Microsecond)
	}
	if got := c.Last(c.At(last)); got != last {
		t.Errorf("tick %d is at %v, which is in tick %d", last, c.At(last), got)
	}
}
