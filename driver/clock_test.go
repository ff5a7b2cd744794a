package driver

import (
	"strings"
	"testing"
	"time"
)

// setClock is a machine whose clock can be set.
type setClock struct {
	wall time.Time
	gone time.Duration
}

func (s *setClock) pass(d time.Duration) { s.wall, s.gone = s.wall.Add(d), s.gone+d }

func (s *setClock) steady(notBefore time.Time) (*steadyClock, *[]string) {
	var warned []string
	c := &steadyClock{wall: func() time.Time { return s.wall }, elapsed: func() time.Duration { return s.gone }}
	c.warn = func(text string) { warned = append(warned, text) }
	return c.from(notBefore), &warned
}

func TestClockThatIsSetBack(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &setClock{wall: noon}
	c, warned := s.steady(time.Time{})
	s.pass(time.Second)
	s.wall = s.wall.Add(-time.Hour)
	s.pass(time.Second)
	if got := c.Now(); !got.Equal(noon.Add(2 * time.Second)) {
		t.Errorf("it shows %v", got)
	}
	c.Now()
	if len(*warned) != 1 || !strings.Contains((*warned)[0], "is 1h0m0s behind the batches") {
		t.Errorf("warned %q", *warned)
	}
	s.wall = s.wall.Add(2 * time.Hour) // set right, and an hour too far
	if got := c.Now(); !got.Equal(s.wall) {
		t.Errorf("set forward, it shows %v, not %v", got, s.wall)
	}
	s.wall = s.wall.Add(-time.Hour)
	if c.Now(); len(*warned) != 2 {
		t.Errorf("set back a second time: warned %q", *warned)
	}
}

func TestClockBehindTheLastBatch(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s := &setClock{wall: noon.Add(-time.Hour)}
	c, warned := s.steady(noon)
	s.pass(100 * time.Millisecond)
	if got := c.Now(); !got.Equal(noon.Add(100 * time.Millisecond)) {
		t.Errorf("it shows %v", got)
	}
	if len(*warned) != 1 {
		t.Errorf("warned %q", *warned)
	}
}

func TestClockNeverGoesBack(t *testing.T) {
	s := &setClock{wall: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c, _ := s.steady(time.Time{})
	last := c.Now()
	for i, step := range []time.Duration{-time.Hour, time.Second, 900 * time.Millisecond, -500 * time.Millisecond, 3 * time.Hour, -24 * time.Hour, time.Millisecond} {
		s.wall = s.wall.Add(step)
		s.pass(time.Duration(i) * time.Millisecond)
		now := c.Now()
		if now.Before(last) {
			t.Errorf("step %d, %v: it went from %v to %v", i, step, last, now)
		}
		last = now
	}
}

// TestJobWhoseClockWasSetBack goes on from a checkpoint whose last batch is an hour ahead of the clock: batches come at once, with times
// and timestamps above the old ones.
func TestJobWhoseClockWasSetBack(t *testing.T) {
	o := testOptions(t)
	hour := &shifted{newSteadyClock(time.Time{}, func(string) {}), time.Hour}
	o.Clock, o.MaxBatches = hour, 2
	first, err := run(t, copies(numbers{n: 1000, step: 10}, &kept{}), o)
	if err != nil {
		t.Fatal(err)
	}
	var warned []string
	o.Clock, o.Warn = nil, func(text string) { warned = append(warned, text) }
	second, err := run(t, copies(numbers{n: 1000, step: 10}, &kept{}), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(second) != 2 || !second[0].Time.After(first[1].Time) || len(warned) != 1 {
		t.Errorf("%d batches, from %v after %v; warned %q", len(second), second[0].Time, first[1].Time, warned)
	}
}

// shifted is a clock that is ahead.
type shifted struct {
	Clock
	by time.Duration
}

func (s *shifted) Now() time.Time { return s.Clock.Now().Add(s.by) }

func (s *shifted) Timer(at time.Time) (<-chan time.Time, func()) { return s.Clock.Timer(at.Add(-s.by)) }
