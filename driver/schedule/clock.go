package schedule

import "time"

// Tick numbers the interval boundaries since the Unix epoch: tick n is n intervals after it. 0 means none yet.
type Tick int64

// Clock is the arithmetic of ticks. It does not know what time it is.
type Clock struct {
	Interval time.Duration // > 0
}

// At is the time of a tick, in UTC; right until the year 2262, where nanoseconds since the epoch end.
func (c Clock) At(t Tick) time.Time { return time.Unix(0, int64(t)*int64(c.Interval)).UTC() }

// Last is the last tick at or before t, and negative for times before the epoch.
func (c Clock) Last(t time.Time) Tick {
	n, d := t.UnixNano(), int64(c.Interval)
	q := n / d
	if n%d < 0 {
		q--
	}
	return Tick(q)
}

// Due is what the loop around Step asks whenever it wakes: the newest tick at or before now, whether it is news after
// last, and when to ask again. A clock that was set back brings nothing new until it has passed last again.
func (c Clock) Due(now time.Time, last Tick) (tick Tick, due bool, wake time.Time) {
	tick = c.Last(now)
	if tick <= last {
		return last, false, c.At(last + 1)
	}
	return tick, true, c.At(tick + 1)
}
