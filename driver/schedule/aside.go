package schedule

import (
	"fmt"
	"slices"
	"time"
)

// aside is what counts against a worker.
type aside struct {
	on      bool
	until   time.Time
	span    time.Duration // of the last time
	times   int           // in a row
	strikes []strike      // since the last time, oldest first
}

// strike is one failure. Those of publishing have no partition: they are of all that the worker holds.
type strike struct {
	at   time.Time
	part *part
}

// mostDoubled is how often Options.AsideFor is doubled at most.
const mostDoubled = 6

// strike counts a failure against a worker, and sets it aside if there were too many and others can take its tasks.
func (s *Scheduler) strike(now time.Time, w *worker, p *part, err error) {
	if s.o.AsideAfter < 0 || w.aside.on {
		return
	}
	a := &w.aside
	a.strikes = slices.DeleteFunc(append(a.strikes, strike{now, p}), func(k strike) bool { return now.Sub(k.at) > s.o.AsideWithin })
	if extra := len(a.strikes) - s.o.AsideAfter; extra > 0 {
		a.strikes = slices.Delete(a.strikes, 0, extra)
	}
	if len(a.strikes) < s.o.AsideAfter || !a.several() || !s.others(w) {
		return
	}
	why := fmt.Sprintf("%d failures within %v, the last: %v", len(a.strikes), now.Sub(a.strikes[0].at), err)
	if now.Sub(a.until) > a.span {
		a.times = 0
	}
	a.on, a.strikes = true, nil
	a.span = s.o.AsideFor << min(a.times, mostDoubled)
	a.until = now.Add(a.span)
	a.times++
	s.recount()
	s.emit(SetAside{w.name, a.until, why})
}

// several says that the failures are not all of one partition, nor all but the last of those before.
func (a *aside) several() bool {
	first := a.strikes[0].part
	return first == nil || slices.ContainsFunc(a.strikes, func(k strike) bool { return k.part != first })
}

// others says that there is another worker that can take tasks.
func (s *Scheduler) others(w *worker) bool {
	n := s.able
	if w.able() {
		n--
	}
	return n > 0
}

// takeBack ends the time of workers that are set aside: if it is over, or if nobody else can take tasks.
func (s *Scheduler) takeBack(now time.Time) {
	if len(s.asides) == 0 {
		return
	}
	need := s.able == 0
	back := false
	for _, w := range s.asides {
		switch {
		case !now.Before(w.aside.until), need && w.slots > 0 && !w.draining:
			w.aside.on, w.aside.until = false, now
			back = true
			s.emit(TakenBack{w.name})
		default:
			s.askFor(w.aside.until)
		}
	}
	if back {
		s.recount()
	}
}
