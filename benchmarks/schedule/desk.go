package schedule

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// tasksEach is how many tasks of each of the two stages there are for each executor.
const tasksEach = 2

// slots of an executor.
const slots = 4

type place struct{ program, stage, partition int }

type stageAt struct{ program, stage int }

// report is what an executor has to say: exactly one of the two is set.
type report struct {
	from      schedule.Worker
	done      wire.TaskDone
	published *wire.Published
}

// desk is a driver's loop without wires. One goroutine uses it.
type desk struct {
	s       *schedule.Scheduler
	rng     *rand.Rand
	now     time.Time
	names   []schedule.Worker
	peers   map[schedule.Worker]int32
	states  []wire.StateRef     // after the last commit
	holders [][]schedule.Worker // of each
	pending []schedule.Event
	reports []report // on their way
	batches int64    // committed

	results  map[place]wire.TaskDone
	attempts map[stageAt]int
	busy     map[stageAt][2]time.Duration
	outputs  []*wire.Outputs // of the first stage, once it is whole
	receipts []wire.SinkReceipt
	next     []wire.StateRef
	messages int
	err      error
}

func newDesk(executors int) (*desk, error) {
	s, err := schedule.New(schedule.Options{Interval: time.Second})
	if err != nil {
		return nil, err
	}
	d := &desk{s: s, rng: rand.New(rand.NewPCG(1, 2)), now: time.Unix(0, 0), peers: map[schedule.Worker]int32{}}
	for i := range executors {
		name := schedule.Worker(fmt.Sprintf("executor-%04d", i))
		d.names, d.peers[name] = append(d.names, name), int32(i)
		d.step(schedule.WorkerUp{Worker: name, Slots: slots})
	}
	for i := range executors * tasksEach {
		d.states = append(d.states, wire.StateRef{Step: "count", Partition: i})
		d.holders = append(d.holders, []schedule.Worker{d.names[i%executors]})
	}
	return d, nil
}

// batch runs one batch from its tick to its commit, and returns what CPU time of the process that took, and how long it took.
func (d *desk) batch() (cpu, wall time.Duration, err error) {
	began, used := time.Now(), measure.CPU()
	d.step(schedule.Due{Tick: schedule.Tick(d.batches + 1)})
	for want := d.batches + 1; d.batches < want && d.err == nil; {
		if len(d.pending) > 0 {
			e := d.pending[0]
			d.pending = d.pending[:copy(d.pending, d.pending[1:])]
			d.step(e)
			continue
		}
		r, ok := d.arrives()
		if !ok {
			return 0, 0, fmt.Errorf("batch %d stands still", want)
		}
		d.reported(r)
	}
	return measure.CPU() - used, time.Since(began), d.err
}

// arrives takes any of the reports.
func (d *desk) arrives() (report, bool) {
	n := len(d.reports)
	if n == 0 {
		return report{}, false
	}
	i := d.rng.IntN(n)
	r := d.reports[i]
	d.reports[i] = d.reports[n-1]
	d.reports = d.reports[:n-1]
	d.now = d.now.Add(10 * time.Microsecond)
	return r, true
}

func (d *desk) step(e schedule.Event) {
	for _, c := range d.s.Step(d.now, e) {
		d.do(c)
	}
}

// later queues the answer to a command, since commands hold only until the next Step.
func (d *desk) later(e schedule.Event) { d.pending = append(d.pending, e) }

func (d *desk) do(c schedule.Command) {
	switch c := c.(type) {
	case schedule.Plan:
		d.open()
		n := len(d.states)
		d.later(schedule.Planned{Batch: c.Batch, Stages: []schedule.Stage{
			{Parts: n}, {Parts: n, Parents: []int{0}, Granted: true, Prefer: d.holders, Holders: d.holders},
		}})
	case schedule.LogPlan:
		d.later(schedule.PlanLogged{Batch: c.Batch})
	case schedule.Launch:
		d.launch(c)
	case schedule.Grant:
		d.grant(c)
	case schedule.LogCommit:
		d.err = d.complete()
		d.later(schedule.CommitLogged{Batch: c.Batch})
	case schedule.Committed:
		d.batches++
		d.states, d.next = d.next, d.states
	case schedule.Halt:
		d.err = fmt.Errorf("the scheduler halts: %w", c.Err)
	}
}

func (d *desk) open() {
	n := len(d.states)
	d.results = make(map[place]wire.TaskDone, 2*n)
	d.attempts, d.busy = map[stageAt]int{}, map[stageAt][2]time.Duration{}
	d.outputs, d.receipts = nil, d.receipts[:0]
	d.next = append(d.next[:0], d.states...)
}

func (d *desk) launch(c schedule.Launch) {
	m := wire.Launch{Epoch: 1, Tasks: ids(c.Tasks)}
	if c.Tasks[0].Stage == 1 {
		m.Outputs = d.whereabouts(c.Tasks[0].Batch)
		for _, t := range c.Tasks {
			if d.holders[t.Partition][0] != c.Worker {
				m.States = append(m.States, d.states[t.Partition])
			}
		}
	}
	d.messages++
	for _, t := range m.Tasks {
		d.reports = append(d.reports, report{from: c.Worker, done: wire.TaskDone{Task: t, Busy: time.Millisecond}})
	}
}

// whereabouts tells where the first stage's outputs lie; all messages share it.
func (d *desk) whereabouts(batch int64) []*wire.Outputs {
	if d.outputs != nil {
		return d.outputs
	}
	o := &wire.Outputs{At: make([]wire.OutputAt, len(d.states))}
	for _, out := range d.s.Outputs(nil, batch, 0, 0) {
		o.At[out.Task.Partition] = wire.OutputAt{Peer: d.peers[out.Worker], Attempt: int32(out.Task.Attempt)}
	}
	d.outputs = []*wire.Outputs{o}
	return d.outputs
}

func (d *desk) grant(c schedule.Grant) {
	m := wire.Grant{Epoch: 1, Batch: c.Batch, Round: c.Round, Tasks: ids(c.Tasks)}
	d.messages++
	p := &wire.Published{Batch: m.Batch, Round: m.Round}
	for _, t := range m.Tasks {
		ref := wire.StateRef{Step: "count", Partition: t.Partition, Base: wire.Frame{Segment: "s", Offset: t.Batch, Length: 1}}
		p.States = append(p.States, ref)
		p.Receipts = append(p.Receipts, wire.SinkReceipt{Sink: "views", Partition: t.Partition, Partitions: len(d.states)})
	}
	d.reports = append(d.reports, report{from: c.Worker, published: p})
}

func (d *desk) reported(r report) {
	if p := r.published; p != nil {
		if d.s.Awaits(p.Batch, r.from, p.Round) {
			d.receipts = append(d.receipts, p.Receipts...)
			for _, ref := range p.States {
				d.next[ref.Partition] = ref
				d.holders[ref.Partition][0] = r.from
			}
		}
		d.step(schedule.Published{Batch: p.Batch, Worker: r.from, Round: p.Round})
		return
	}
	t := schedule.TaskID(r.done.Task)
	if d.s.Runs(t, r.from) {
		at := stageAt{t.Program, t.Stage}
		was := d.busy[at]
		d.attempts[at]++
		d.busy[at] = [2]time.Duration{was[0] + r.done.Busy, max(was[1], r.done.Busy)}
		d.results[place{t.Program, t.Stage, t.Partition}] = r.done
	}
	d.step(schedule.TaskDone{Task: t, Worker: r.from})
}

// complete looks whether everything of the batch is there.
func (d *desk) complete() error {
	n := len(d.states)
	if len(d.results) != 2*n || len(d.receipts) != n {
		return fmt.Errorf("batch %d: %d results and %d receipts, want %d and %d", d.batches+1, len(d.results), len(d.receipts), 2*n, n)
	}
	for _, ref := range d.next {
		if ref.Base.Offset != d.batches+1 {
			return fmt.Errorf("batch %d: partition %d has no new version of its state", d.batches+1, ref.Partition)
		}
	}
	return nil
}

func ids(in []schedule.TaskID) []rdd.TaskID {
	out := make([]rdd.TaskID, len(in))
	for i, t := range in {
		out[i] = rdd.TaskID(t)
	}
	return out
}
