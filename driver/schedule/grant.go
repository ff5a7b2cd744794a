package schedule

import (
	"slices"
	"time"
)

// grant is a Grant that waits for its answer.
type grant struct {
	Grant
	tries int // that the same tasks were granted to the same worker before
}

// grant gives all attempts that are not granted yet to the workers that hold them, in one round.
func (s *Scheduler) grant(b *batch) {
	b.phase = publishing
	b.round++
	for _, pr := range b.programs {
		for i := range pr.stages {
			if st := &pr.stages[i]; st.Granted {
				s.grantStage(b, st)
			}
		}
	}
	s.flush(func(w *worker, tasks []TaskID) { s.send(b, w, grant{Grant: Grant{b.n, w.name, b.round, tasks}}) })
}

func (s *Scheduler) grantStage(b *batch, st *stage) {
	for i := range st.parts {
		p := &st.parts[i]
		if p.state == done && !p.granted {
			p.granted = true
			b.ungranted--
			s.gather(p.at, b.task(st, i), len(st.parts)/len(s.workers))
		}
	}
}

func (s *Scheduler) send(b *batch, w *worker, g grant) {
	b.waiting++
	w.grants = append(w.grants, g)
	s.emit(g.Grant)
}

// answered takes out the grant that a worker answers; false if there is none.
func (s *Scheduler) answered(b *batch, name Worker, round int) (*worker, grant, bool) {
	w := s.names[name]
	i := w.granted(round)
	if i < 0 {
		return nil, grant{}, false
	}
	g := w.grants[i]
	w.grants = slices.Delete(w.grants, i, i+1)
	b.waiting--
	return w, g, true
}

// granted is the position of a round in w.grants, or −1.
func (w *worker) granted(round int) int {
	if w == nil {
		return -1
	}
	return slices.IndexFunc(w.grants, func(g grant) bool { return g.Round == round })
}

func (s *Scheduler) publishFailed(now time.Time, b *batch, e PublishFailed) {
	w, g, ok := s.answered(b, e.Worker, e.Round)
	if !ok {
		return
	}
	if e.Class == Retry {
		s.strike(now, w, nil, e.Err)
	}
	switch {
	case e.Class == Retry && w.aside.on && s.others(w):
		b.moveAway(now, w, g)
	case e.Class == Retry && g.tries < s.o.Retries:
		b.round++
		g.Round, g.tries = b.round, g.tries+1
		s.send(b, w, g)
	default:
		s.fail(b, e.Class, failure(b, &PublishError{e.Worker, g.tries + 1, e.Err}))
	}
}

// moveAway runs elsewhere what a worker that is set aside cannot publish. It has given up, so nobody else writes the
// same partitions meanwhile; what it did write is written again.
func (b *batch) moveAway(now time.Time, w *worker, g grant) {
	b.revoke(g)
	for _, t := range g.Tasks {
		st, p := b.part(t)
		if p.state == done && p.attempt == t.Attempt {
			p.avoid = w
			b.move(st, p, gone)
		}
	}
	b.settle(now)
}

// ungrant takes back what a lost worker did not say it published. Whether it did is unknown, so all of it is run and
// granted again; sinks accept the same write twice.
func (b *batch) ungrant(w *worker) {
	for _, g := range w.grants {
		b.waiting--
		b.revoke(g)
	}
	w.grants = nil
}

func (b *batch) revoke(g grant) {
	for _, t := range g.Tasks {
		b.programs[t.Program].stages[t.Stage].parts[t.Partition].granted = false
		b.ungranted++
	}
}
