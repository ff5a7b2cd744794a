package dstream

import (
	"errors"
	"maps"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Watermark says how far behind the latest event time rows may still come.
type Watermark struct {
	// Delay is the disorder to wait for: the watermark is the greatest event time seen minus Delay. Windows behind it are
	// closed; rows for them are late. Too small: late rows. Too large: results come later. Default 0.
	Delay time.Duration
	// Idle is how long a partition of the source may be silent until it no longer holds the watermark back; from then on it
	// follows batch time − Delay. Default 0: for ever, so that a silent partition stops event time.
	Idle time.Duration
}

// eventTime is the declaration of an EventTime step.
type eventTime struct {
	step    string // name of the step, set when the graph is complete
	w       Watermark
	sources []string // inputs above it
	fused   bool     // in the program at hand: its tasks read the sources themselves, and so know which split a row is of
}

// EventTime gives each row the event time that f finds in it. From here on windows run on event time; without it they run on
// batch time.
//
// It belongs directly behind the source: there the watermark is the minimum over the source's own partitions. Behind a step that keeps
// or exchanges rows only the engine's partitions are left to tell apart, each of which may mix several of the source's, and behind an
// exchange only the whole: rows of those that lag come late.
func (s Stream[T]) EventTime[_ lazy](f func(T) time.Time, w Watermark) Stream[T] {
	m := &eventTime{w: w}
	n := s.n.job.add("EventTime", []*node{s.n}, func(_ *cut, in []*rdd.Node) *rdd.Node { return stamp(in[0], m, f) })
	n.timed, n.moment = true, m
	if w.Delay < 0 || w.Idle < 0 {
		s.n.job.fail(n.at, "EventTime", errors.New("negative Delay or Idle"))
	}
	return Stream[T]{n}
}

// stamp writes the time column and notes the greatest time of each split.
func stamp[T any](p *rdd.Node, m *eventTime, f func(T) time.Time) *rdd.Node {
	mixed := exchanged(p)
	return rdd.Step(p, "EventTime", func(t *rdd.Task) func(in, out *rdd.Rows[none, T]) error {
		env := envOf(t)
		return func(in, out *rdd.Rows[none, T]) error {
			out.Vals, out.Sealed = in.Vals, in.Sealed&rdd.ValColumn
			out.Times = rdd.Sized(out.Times, len(in.Vals))
			latest := MinTime
			for i := range in.Vals {
				µs := f(in.Vals[i]).UnixMicro()
				out.Times[i] = µs
				latest = max(latest, µs)
			}
			env.note(m.step, t, mixed, latest)
			return nil
		}
	})
}

// exchanged tells whether rows of all the source's partitions meet in each of n's.
func exchanged(n *rdd.Node) bool {
	parents := n.Parents()
	if len(parents) > len(n.Deps) {
		return true
	}
	for _, p := range parents {
		if exchanged(p) {
			return true
		}
	}
	return false
}

// watermark is the event time up to which all rows have come, as far as COMMIT of the batch before tells: the minimum over the
// step's partitions that are neither idle nor of a source that has ended. at is the time of the batch that is about to run.
func (m *eventTime) watermark(p *Progress, at time.Time) int64 {
	if all(p.Ended, m.sources) {
		return MaxTime
	}
	low, idle := MaxTime, at.UnixMicro()-m.w.Delay.Microseconds()
	quiet := all(p.Idle, m.sources)
	for _, s := range p.Seen[m.step] {
		if p.Ended[s.Source] {
			continue
		}
		mark := MinTime
		if s.Max != MinTime {
			mark = s.Max - m.w.Delay.Microseconds()
		}
		if quiet || p.Idle[s.Source] || m.w.Idle > 0 && at.Sub(s.Last) >= m.w.Idle {
			mark = max(mark, idle)
		}
		low = min(low, mark)
	}
	if low == MaxTime {
		return MinTime // nothing seen yet
	}
	return low
}

// all tells whether a set has all names, of which there must be one.
func all(set map[string]bool, names []string) bool {
	for _, name := range names {
		if !set[name] {
			return false
		}
	}
	return len(names) > 0
}

// Advance is the progress after a batch: what was known before it, what its plan listed, and what its tasks noted. The batch's
// program was made before.
func (g *Graph) Advance(before *Progress, p *Plan, notes map[string]map[string]int64) *Progress {
	after := &Progress{Time: p.Time, Seen: map[string]map[string]Seen{}, Marks: g.Marks(before, p), Ended: map[string]bool{}, Idle: map[string]bool{}}
	maps.Copy(after.Ended, before.Ended)
	for step, splits := range before.Seen {
		after.Seen[step] = maps.Clone(splits)
	}
	for name, s := range p.Sources {
		if s.Ended {
			after.Ended[name] = true
		}
		if s.Idle {
			after.Idle[name] = true
		}
	}
	for _, m := range g.job.moments {
		m.advance(after, p, notes[m.step])
	}
	return after
}

// advance notes the splits that the plan listed, so that one which has not given a row yet holds the watermark back, and the
// times that were seen.
func (m *eventTime) advance(after *Progress, p *Plan, seen map[string]int64) {
	of := after.Seen[m.step]
	if of == nil {
		of = map[string]Seen{}
		after.Seen[m.step] = of
	}
	for _, source := range m.sources {
		for _, part := range p.Sources[source].Parts {
			for _, s := range part {
				if _, known := of[s.Name]; !known && m.fused {
					of[s.Name] = Seen{MinTime, p.Time, source}
				}
			}
		}
	}
	for split, latest := range seen {
		was, known := of[split]
		if !known {
			was.Max = MinTime
		}
		of[split] = Seen{max(was.Max, latest), p.Time, was.Source}
	}
}
