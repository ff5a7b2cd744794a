package simulate

import (
	"fmt"

	"github.com/tidemill/tidemill/driver/schedule"
)

type kind int

const (
	launch kind = iota
	cancel
	grant
	commit
)

// message goes to a worker. It carries all that it needs, so that any order will do.
type message struct {
	kind   kind
	epoch  int64
	batch  int64
	round  int
	plan   plan
	tasks  []schedule.TaskID
	from   [2][]schedule.Output // a launch: where the outputs of stages 0 and 1 lie
	states []uint64             // and the versions of state that it starts from
}

// stream is one attachment of a worker to a driver.
type stream struct {
	d      *driver
	x      *worker
	life   int    // of the worker
	number uint64 // of the attachment
	name   schedule.Worker
	broken bool
	up     bool // the scheduler knows it
}

// attach offers a worker the driver's epoch until it takes it.
func (d *driver) attach(x *worker) {
	d.later(d.w.upTo(3*ms), func() {
		if x.down || x.paused || d.epoch() < x.epoch && d.w.bug != ignoreEpoch {
			d.later(20*ms, func() { d.attach(x) })
			return
		}
		s := &stream{d: d, x: x, life: x.life, number: d.w.number()}
		s.name = schedule.Worker(fmt.Sprintf("w%d.%d", x.id, s.number))
		x.attached(s)
		d.w.say("attach", int64(d.id), int64(x.id), int64(s.number))
		d.later(d.w.upTo(3*ms), func() {
			s.up = true
			d.streams[s.name] = s
			d.step(schedule.WorkerUp{Worker: s.name, Slots: x.slots})
			if s.broken {
				d.lost(s)
			}
		})
	})
}

// cut ends a stream: nothing more is sent, a little of what was sent still arrives, and the driver notices after a while.
func (s *stream) cut() {
	if s.broken {
		return
	}
	s.broken = true
	s.d.later(silence, func() { s.d.lost(s) })
}

func (d *driver) lost(s *stream) {
	if !s.up {
		return
	}
	s.up = false
	d.w.say("lost", int64(d.id), int64(s.x.id))
	if d.w.bug != deafToLoss {
		d.step(schedule.WorkerDown{Worker: s.name})
	}
	delete(d.streams, s.name)
	d.attach(s.x)
}

// carry lets a message or a report arrive late, twice, out of order, or never, which is the end of the stream.
func (s *stream) carry(do func()) {
	w := s.d.w
	switch {
	case s.broken && w.chance(70):
		return
	case w.now < w.calm && w.rng.IntN(200) == 0:
		w.meet("message lost")
		s.cut()
		return
	}
	late := 2 * ms
	if w.wrong(6) {
		late = 50 * ms
	}
	w.after(w.upTo(late), do)
	if w.wrong(6) {
		w.meet("message doubled")
		w.after(w.upTo(80*ms), do)
	}
}

// send takes a message to the worker; s is nil if the stream has ended.
func (s *stream) send(m message) {
	if s == nil {
		return
	}
	s.carry(func() { s.x.run(s.life, func() { s.x.take(s, m) }) })
}

// report takes a report to the driver.
func (s *stream) report(do func()) {
	s.carry(func() { s.d.run(do) })
}

func (d *driver) launch(c schedule.Launch) {
	m := message{kind: launch, epoch: d.epoch(), batch: d.at.batch, plan: d.at.plan, states: d.last.states}
	for i := range m.from {
		m.from[i] = d.s.Outputs(nil, m.batch, 0, i)
	}
	for _, t := range c.Tasks {
		if d.w.bug == reuseAttempts {
			t.Attempt = 1
		}
		d.w.say("launch", int64(d.id), t.Batch, int64(t.Stage), int64(t.Partition), int64(t.Attempt))
		d.w.watch.launched(d, t)
		if d.current[place{t.Stage, t.Partition}].Task.Attempt > 0 {
			d.w.meet("second attempt")
		}
		d.current[place{t.Stage, t.Partition}] = schedule.Output{Task: t, Worker: c.Worker}
		m.tasks = append(m.tasks, t)
	}
	d.streams[c.Worker].send(m)
}

func (d *driver) grant(c schedule.Grant) {
	d.sendGrant(c)
	switch d.w.bug {
	case commitBeforePublish:
		d.step(schedule.Published{Batch: c.Batch, Worker: c.Worker, Round: c.Round})
	case grantBoth:
		for _, o := range d.extra {
			d.sendGrant(schedule.Grant{Batch: c.Batch, Worker: o.Worker, Round: c.Round, Tasks: []schedule.TaskID{o.Task}})
		}
	}
}

func (d *driver) sendGrant(c schedule.Grant) {
	for _, t := range c.Tasks {
		d.w.say("grant", int64(d.id), t.Batch, int64(t.Stage), int64(t.Partition), int64(t.Attempt))
		d.w.watch.granted(d, c.Round, t)
	}
	d.streams[c.Worker].send(message{kind: grant, epoch: d.epoch(), batch: c.Batch, round: c.Round, tasks: c.Tasks})
}

// taskDone passes a report on.
func (d *driver) taskDone(s *stream, t schedule.TaskID) {
	p := place{t.Stage, t.Partition}
	o := schedule.Output{Task: t, Worker: s.name}
	switch now := d.current[p]; {
	case d.at == nil || d.at.batch != t.Batch:
	case d.s.Runs(t, s.name):
		d.finished[p] = true
		if d.w.bug == grantEarly && t.Stage > 0 {
			d.sendGrant(schedule.Grant{Batch: t.Batch, Worker: s.name, Round: 1, Tasks: []schedule.TaskID{t}})
		}
	case d.w.bug == acceptOld && now.Task.Attempt > t.Attempt && d.s.Runs(now.Task, now.Worker):
		o = now
		d.finished[p] = true
	case t.Stage > 0 && now.Task != t:
		d.extra = append(d.extra, o)
	}
	d.step(schedule.TaskDone{Task: o.Task, Worker: o.Worker})
}

func (d *driver) fetchFailed(e schedule.FetchFailed) {
	d.w.meet("fetch failed")
	if d.w.bug == loseRerun {
		e.Missing = nil
	}
	d.step(e)
}

func (d *driver) publishedBy(s *stream, batch int64, round int, tasks []schedule.TaskID, states map[int]uint64) {
	if d.s.Awaits(batch, s.name, round) {
		for _, t := range tasks {
			d.published[place{t.Stage, t.Partition}] = true
			if t.Stage == 1 {
				d.at.states[t.Partition], d.holder[t.Partition] = states[t.Partition], s.name
			}
		}
	}
	d.step(schedule.Published{Batch: batch, Worker: s.name, Round: round})
}
