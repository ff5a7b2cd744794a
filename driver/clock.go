package driver

import (
	"fmt"
	"sync"
	"time"
)

// Clock is where a driver gets its time from.
type Clock interface {
	Now() time.Time
	// Timer returns a channel that gets a value at a time, and a function that gives it up.
	Timer(at time.Time) (<-chan time.Time, func())
}

// leap is by how much a clock has to differ from what it should show for somebody to have set it.
const leap = time.Second

// steadyClock is the machine's clock, except that it never goes back: batch times and write timestamps must not, and a job must not stand
// still for an hour because its machine was set back by one. It runs on with the monotonic clock then, ahead of the machine's, until
// that has caught up. When the machine's clock is set forward, it follows.
type steadyClock struct {
	wall    func() time.Time     // the machine's clock, without a monotonic reading
	elapsed func() time.Duration // of the monotonic clock
	warn    func(string)

	mu    sync.Mutex
	base  time.Time // the time at elapsed() == at
	at    time.Duration
	ahead bool // of the machine's clock, and somebody was told so
}

// newSteadyClock returns a clock that begins no earlier than a time, that of the last batch. warn is told when the machine's clock is
// behind.
func newSteadyClock(notBefore time.Time, warn func(string)) *steadyClock {
	start := time.Now()
	return (&steadyClock{
		wall: func() time.Time { return time.Now().Round(0) }, elapsed: func() time.Duration { return time.Since(start) }, warn: warn,
	}).from(notBefore)
}

func (c *steadyClock) from(notBefore time.Time) *steadyClock {
	c.base, c.at = c.wall(), c.elapsed()
	if notBefore.After(c.base) {
		c.base = notBefore
	}
	return c
}

// Now is the time, which never goes back.
func (c *steadyClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, gone := c.wall(), c.elapsed()
	now := c.base.Add(gone - c.at)
	switch behind := now.Sub(wall); {
	case behind < -leap: // it was set forward, or the machine slept
		c.base, c.at, c.ahead, now = wall, gone, false, wall
	case behind > leap && !c.ahead:
		c.ahead = true
		c.warn(fmt.Sprintf("the machine's clock is %v behind the batches, which go on with times ahead of it: set the clock, then start the job again", behind.Round(time.Second)))
	case behind <= leap:
		c.ahead = false
	}
	return now
}

// Timer fires when Now reaches at, unless the clock leaps.
func (c *steadyClock) Timer(at time.Time) (<-chan time.Time, func()) {
	t := time.NewTimer(at.Sub(c.Now()))
	return t.C, func() { t.Stop() }
}
