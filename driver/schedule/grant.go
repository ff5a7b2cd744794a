package schedule

import "slices"

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
	s.flush(func(w Worker, tasks []TaskID) { s.send(b, grant{Grant: Grant{b.n, w, b.round, tasks}}) })
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

func (s *Scheduler) send(b *batch, g grant) {
	b.grants = append(b.grants, g)
	s.emit(g.Grant)
}

// answered takes out the grant that a worker answers; false if there is none.
func (b *batch) answered(w Worker, round int) (grant, bool) {
	for i, g := range b.grants {
		if g.Worker == w && g.Round == round {
			b.grants = slices.Delete(b.grants, i, i+1)
			return g, true
		}
	}
	return grant{}, false
}

func (s *Scheduler) publishFailed(b *batch, e PublishFailed) {
	g, ok := b.answered(e.Worker, e.Round)
	if !ok {
		return
	}
	if e.Class == Retry && g.tries < s.o.Retries {
		b.round++
		g.Round, g.tries = b.round, g.tries+1
		s.send(b, g)
		return
	}
	s.fail(b, e.Class, failure(b, &PublishError{e.Worker, g.tries + 1, e.Err}))
}

// ungrant takes back what a lost worker did not say it published. Whether it did is unknown, so all of it is run and
// granted again; sinks accept the same write twice.
func (b *batch) ungrant(w *worker) {
	b.grants = slices.DeleteFunc(b.grants, func(g grant) bool {
		if g.Worker != w.name {
			return false
		}
		for _, t := range g.Tasks {
			b.programs[t.Program].stages[t.Stage].parts[t.Partition].granted = false
			b.ungranted++
		}
		return true
	})
}
