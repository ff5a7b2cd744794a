package schedule

import (
	"fmt"
	"testing"
	"time"
)

// loop answers every command at once, as a driver without sources, disk or network would.
type loop struct {
	s       *Scheduler
	now     time.Time
	stages  []Stage
	pending []Event
	tasks   int
}

func newLoop(workers, slots int, stages []Stage) *loop {
	s, err := New(Options{Interval: time.Second})
	if err != nil {
		panic(err)
	}
	l := &loop{s: s, now: time.Unix(0, 0), stages: stages}
	for i := range workers {
		s.Step(l.now, WorkerUp{Worker(fmt.Sprintf("w%03d", i)), slots})
	}
	return l
}

func (l *loop) batch(t Tick) {
	l.pending = append(l.pending[:0], Due{t})
	for i := 0; i < len(l.pending); i++ {
		for _, c := range l.s.Step(l.now, l.pending[i]) {
			l.answer(c)
		}
	}
}

func (l *loop) answer(c Command) {
	switch c := c.(type) {
	case Plan:
		l.pending = append(l.pending, Planned{Batch: c.Batch, Stages: l.stages})
	case LogPlan:
		l.pending = append(l.pending, PlanLogged{c.Batch})
	case Launch:
		for _, t := range c.Tasks {
			l.pending = append(l.pending, TaskDone{t, c.Worker})
		}
		l.tasks += len(c.Tasks)
	case Grant:
		l.pending = append(l.pending, Published{c.Batch, c.Worker, c.Round})
	case LogCommit:
		l.pending = append(l.pending, CommitLogged{c.Batch})
	case Halt:
		panic(c.Err)
	}
}

// BenchmarkBatch is a batch's whole trip. An empty one must cost at most 10 µs.
func BenchmarkBatch(b *testing.B) {
	two := func(n int) []Stage { return []Stage{{Parts: n}, {Parts: n, Parents: []int{0}, Granted: true}} }
	for _, c := range []struct {
		name           string
		workers, slots int
		stages         []Stage
	}{
		{"empty", 1, 2, nil},
		{"2x1", 1, 2, two(1)},
		{"2x4", 1, 4, two(4)},
		{"2x100", 10, 4, two(100)},
		{"2x1000", 10, 4, two(1000)},
		{"2x10000", 10, 4, two(10000)},
		{"2x10000-100workers", 100, 4, two(10000)},
		{"2x10000-preferred", 10, 4, preferred(two(10000), 10)},
		{"chain-of-100x10", 10, 4, chain(100, 10)},
		{"chain-of-1000x10", 10, 4, chain(1000, 10)},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newLoop(c.workers, c.slots, c.stages)
			b.ReportAllocs()
			for i := range b.N {
				l.batch(Tick(i + 1))
			}
			if l.tasks > 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(l.tasks), "ns/task")
			}
		})
	}
}

func preferred(stages []Stage, workers int) []Stage {
	for i := range stages {
		for j := range stages[i].Parts {
			stages[i].Prefer = append(stages[i].Prefer, []Worker{Worker(fmt.Sprintf("w%03d", j*7919%workers))})
		}
	}
	return stages
}

func chain(n, parts int) []Stage {
	out := make([]Stage, n)
	for i := range out {
		out[i].Parts = parts
		if i > 0 {
			out[i].Parents = []int{i - 1}
		}
	}
	return out
}
