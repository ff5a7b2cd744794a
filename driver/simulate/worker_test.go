package simulate

import (
	"errors"

	"github.com/tidemill/tidemill/driver/schedule"
)

// worker is a machine and the worker process on it, in one life after the other.
type worker struct {
	w            *world
	id, slots    int
	life         int
	down, paused bool
	inbox        []func()
	stream       *stream // the attachment that counts
	epoch        int64   // highest it has heard of; what the watcher goes by is heard
	heard        int64
	tasks        map[schedule.TaskID]*attempt
	granting     int64                // grants of batches before are late, and of no interest
	given        map[int]*publication // by round, of that batch
}

// attempt is a task that was launched here.
type attempt struct {
	m         message
	task      schedule.TaskID
	cancelled bool
	sealed    bool
	lost      bool // its block, for readers; what is to be published is kept
	row       uint64
	blocks    []uint64 // of stage 0, by bucket
}

// publication is a grant that was taken; a second one of the same round is answered by the same.
type publication struct {
	attempts []*attempt
	states   map[int]uint64
}

func (x *worker) boot() {
	x.life++
	x.down, x.paused, x.inbox, x.stream, x.epoch, x.heard = false, false, nil, nil, 0, 0
	x.forget()
}

func (x *worker) forget() {
	x.tasks, x.given, x.granting = map[schedule.TaskID]*attempt{}, map[int]*publication{}, 0
}

func (x *worker) die() {
	if x.down {
		return
	}
	x.down = true
	x.w.say("worker dies", int64(x.id))
	if x.stream != nil {
		x.stream.cut()
	}
	x.w.after(5*ms+x.w.upTo(60*ms), x.boot)
}

// run does something in this life, and not before the process runs again.
func (x *worker) run(life int, do func()) {
	switch {
	case x.life != life || x.down:
	case x.paused:
		x.inbox = append(x.inbox, func() { x.run(life, do) })
	default:
		do()
	}
}

func (x *worker) resume() {
	x.paused = false
	waited := x.inbox
	x.inbox = nil
	for _, do := range waited {
		do()
	}
}

// attached begins a new attachment: what was made for an earlier one is of no use to anybody.
func (x *worker) attached(s *stream) {
	if x.stream != nil {
		x.stream.cut()
	}
	x.stream, x.epoch, x.heard = s, s.d.epoch(), max(x.heard, s.d.epoch())
	x.forget()
}

func (x *worker) take(s *stream, m message) {
	if (x.stream != s || m.epoch != x.epoch) && x.w.bug != ignoreEpoch {
		x.w.meet("stale message")
		return
	}
	if m.epoch < x.heard {
		x.w.watch.badf("worker %d acts on a message of epoch %d, and knows of %d", x.id, m.epoch, x.heard)
	}
	switch m.kind {
	case launch:
		for _, t := range m.tasks {
			x.launch(s, m, t)
		}
	case cancel:
		for _, t := range m.tasks {
			if a := x.tasks[t]; a != nil {
				a.cancelled = true
			} else {
				x.tasks[t] = &attempt{cancelled: true}
			}
		}
	case grant:
		x.grant(s, m)
	case commit:
		if m.batch >= x.granting {
			x.granting, x.given = m.batch+1, map[int]*publication{}
		}
		for t := range x.tasks {
			if t.Batch <= m.batch {
				delete(x.tasks, t)
			}
		}
	}
}

func (x *worker) launch(s *stream, m message, t schedule.TaskID) {
	if x.tasks[t] != nil {
		return
	}
	a := &attempt{m: m, task: t}
	x.tasks[t] = a
	takes := 4 * ms
	if x.w.wrong(8) {
		takes = 90 * ms
	}
	x.w.after(x.w.upTo(takes), func() { x.run(s.life, func() { x.finish(s, a) }) })
}

func (x *worker) finish(s *stream, a *attempt) {
	w, t := x.w, a.task
	if x.tasks[t] != a || a.cancelled {
		return
	}
	missing := x.compute(a)
	switch d := s.d; {
	case len(missing) > 0:
		s.report(func() { d.fetchFailed(schedule.FetchFailed{Task: t, Worker: s.name, Missing: missing}) })
	case w.wrong(4):
		s.report(func() { d.step(schedule.TaskFailed{Task: t, Worker: s.name, Class: schedule.Retry, Err: errLuck}) })
	case w.now < w.calm && w.rng.IntN(300) == 0:
		w.meet("hopeless")
		s.report(func() {
			d.step(schedule.TaskFailed{Task: t, Worker: s.name, Class: schedule.FailBatch, Err: errHopeless})
		})
	default:
		a.sealed = true
		s.report(func() { d.taskDone(s, t) })
	}
}

var errLuck = errors.New("bad luck")

// compute runs a task, and returns the outputs that it could not have.
func (x *worker) compute(a *attempt) (missing []schedule.Output) {
	p, w := a.task.Partition, x.w
	switch a.task.Stage {
	case 0:
		for to := range w.parts {
			a.blocks = append(a.blocks, mapped(a.m.plan, p, w.maps, to, w.parts))
		}
	case 1:
		sum := uint64(0)
		for _, o := range a.m.from[0] {
			if b := w.fetch(o); b != nil {
				sum += b.blocks[p]
			} else {
				missing = append(missing, o)
			}
		}
		a.row = folded(w.states[a.m.states[p]], sum)
	case 2:
		o := a.m.from[1][p]
		if b := w.fetch(o); b != nil {
			a.row = forwarded(b.row)
		} else {
			missing = append(missing, o)
		}
	}
	return missing
}

// fetch reads a block from the worker that holds it. A worker that does not run does not answer.
func (w *world) fetch(o schedule.Output) *attempt {
	for _, x := range w.workers {
		if x.stream == nil || x.stream.name != o.Worker || x.down || x.paused {
			continue
		}
		a := x.tasks[o.Task]
		if a == nil || !a.sealed || a.lost || w.wrong(1) {
			return nil
		}
		a.lost = w.wrong(1)
		return a
	}
	return nil
}

func (x *worker) grant(s *stream, m message) {
	switch {
	case m.batch < x.granting:
		return // a late one, of a batch that is over
	case m.batch > x.granting:
		x.granting, x.given = m.batch, map[int]*publication{}
	}
	g := x.given[m.round]
	if g == nil {
		g = &publication{states: map[int]uint64{}}
		for _, t := range m.tasks {
			a := x.tasks[t]
			if a == nil || !a.sealed {
				x.w.watch.badf("worker %d is granted %v, which it has not sealed", x.id, t)
				return
			}
			g.attempts = append(g.attempts, a)
		}
		x.given[m.round] = g
	}
	x.w.after(x.w.upTo(4*ms), func() { x.run(s.life, func() { x.publish(s, m, g) }) })
}

// publish writes the sinks. It may fail or be cut short after any row.
func (x *worker) publish(s *stream, m message, g *publication) {
	w, d := x.w, s.d
	for i, a := range g.attempts {
		if w.wrong(3) {
			w.meet("publish failed")
			s.report(func() {
				d.step(schedule.PublishFailed{Batch: m.batch, Worker: s.name, Round: m.round, Class: schedule.Retry, Err: errLuck})
			})
			return
		}
		if i > 0 && w.now < w.calm && w.rng.IntN(100) == 0 {
			w.meet("died while it published")
			x.die()
			return
		}
		w.watch.wrote(cell{a.task.Stage, m.batch, a.task.Partition}, a.m.plan, a.row)
		if a.task.Stage == 1 && g.states[a.task.Partition] == 0 {
			v := w.number()
			w.states[v], g.states[a.task.Partition] = a.row, v
		}
	}
	s.report(func() { d.publishedBy(s, m.batch, m.round, m.tasks, g.states) })
}
