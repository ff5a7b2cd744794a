package driver

import (
	"cmp"
	"slices"

	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// lying is where the outputs of a stage of the batch at hand lie, as it is told to workers.
type lying struct {
	version int // grows with every change
	stale   bool
	outputs *wire.Outputs
}

// launch sends tasks to a worker, with what it has not been told yet: the batch, the others, where outputs lie, which state is wanted.
func (d *driver) launch(c schedule.Launch) {
	m := d.members[c.Worker]
	if m == nil {
		return // it was lost in this very step; WorkerDown takes its tasks back
	}
	d.fed()
	news := d.begin(m)
	l := wire.Launch{Epoch: d.epoch(), Tasks: taskIDs(c.Tasks)}
	if !d.alone {
		news = append(news, d.introduce(m)...)
		l.Outputs, l.States = d.outputsFor(m, l.Tasks), d.statesFor(m, l.Tasks)
	}
	d.crew.Send(m.Worker, append(news, l)...) // at once: in one frame
}

// begin opens the batch at hand at a worker, before its first task, and its sub-jobs.
func (d *driver) begin(m *member) (news []wire.Message) {
	n := d.b.rec.Plan.Batch
	if m.batch != n {
		m.batch, m.actions, m.outputs = n, 0, map[stageAt]int{}
		d.b.begun[m.name()] = true
		news = append(news, d.opening())
	}
	for ; m.actions < len(d.b.actions); m.actions++ {
		news = append(news, d.b.actions[m.actions])
	}
	return news
}

// opening is the message that opens the batch at hand, encoded once for all workers.
func (d *driver) opening() wire.Message {
	if d.b.opening != nil {
		return d.b.opening
	}
	d.b.opening = wire.Begin{Epoch: d.epoch(), Plan: d.b.rec.Plan, Marks: d.b.marks, Prev: d.previous()}
	if !d.alone {
		if e, err := wire.Encode(d.b.opening); err == nil { // else the stream meets the error, and says so
			d.b.opening = e
		}
	}
	return d.b.opening
}

// introduce tells a worker who the others are.
func (d *driver) introduce(m *member) (news []wire.Message) {
	if m.peers < len(d.peers) {
		news = append(news, wire.Peers{Epoch: d.epoch(), From: m.peers, Peers: d.peers[m.peers:]})
		m.peers = len(d.peers)
	}
	return news
}

// outputsFor says where the outputs lie that tasks read, as far as the worker does not know it.
func (d *driver) outputsFor(m *member, tasks []taskID) []*wire.Outputs {
	var out []*wire.Outputs
	last := stageAt{-1, -1}
	for _, t := range tasks {
		at := stageAt{t.Program, t.Stage}
		if at == last {
			continue // tasks come in order
		}
		last = at
		for _, parent := range d.b.parents(at) {
			l := d.whereabouts(parent)
			if m.outputs[parent] != l.version {
				m.outputs[parent] = l.version
				out = append(out, l.outputs)
			}
		}
	}
	return out
}

// parents are the stages that a stage reads. Those of a ForEach body also read what the batch's own program has kept for it.
func (b *batch) parents(at stageAt) []stageAt {
	var out []stageAt
	for _, p := range b.programs[at.program].Stages[at.stage].Parents {
		out = append(out, stageAt{at.program, p})
	}
	if at.program > 0 {
		body := b.actions[at.program-1].Body
		out = append(out, stageAt{0, b.program.Program.Outputs[b.program.Outputs()+body]})
	}
	return out
}

// whereabouts is where a stage's outputs lie now.
func (d *driver) whereabouts(at stageAt) *lying {
	l := d.b.lying[at]
	if l == nil {
		l = &lying{stale: true}
		d.b.lying[at] = l
	}
	if !l.stale {
		return l
	}
	l.stale = false
	l.version++
	l.outputs = &wire.Outputs{Program: at.program, Stage: at.stage, At: make([]wire.OutputAt, d.b.programs[at.program].Stages[at.stage].Parts)}
	for i := range l.outputs.At {
		l.outputs.At[i].Peer = -1
	}
	for _, o := range d.sched.Outputs(nil, d.b.rec.Plan.Batch, at.program, at.stage) {
		if m := d.members[o.Worker]; m != nil {
			r := d.b.results[place{at.program, at.stage, o.Task.Partition}]
			l.outputs.At[o.Task.Partition] = wire.OutputAt{Peer: m.peer, Attempt: int32(o.Task.Attempt), Empty: empty(r.Counts)}
		}
	}
	return l
}

// empty tells whether an output has no rows at all.
func empty(c rdd.Counts) bool {
	if c.Sent == nil {
		return c.Out == 0
	}
	return !slices.ContainsFunc(c.Sent, func(n int64) bool { return n > 0 })
}

// changed says that the outputs of a stage lie elsewhere now.
func (b *batch) changed(program, stage int) {
	if l := b.lying[stageAt{program, stage}]; l != nil {
		l.stale = true
	}
}

// statesFor are the versions that tasks start from, where the worker does not hold them.
func (d *driver) statesFor(m *member, tasks []taskID) []wire.StateRef {
	var out []wire.StateRef
	for _, t := range tasks {
		if t.Program > 0 {
			continue
		}
		for _, step := range d.b.program.Steps(t.Stage) {
			if d.holds[held{step, t.Partition}] == m.Worker {
				continue
			}
			if ref, ok := d.last.ref(step, t.Partition); ok {
				out = append(out, ref)
			}
		}
	}
	return out
}

// ref is where the state of a partition of a step lies after the commit.
func (c *commitRecord) ref(step string, partition int) (wire.StateRef, bool) {
	refs := c.States[step]
	i, ok := slices.BinarySearchFunc(refs, partition, func(r wire.StateRef, p int) int { return cmp.Compare(r.Partition, p) })
	if !ok {
		return wire.StateRef{}, false
	}
	return refs[i], true
}

// stages of a sub-job as the scheduler wants them.
func subStages(p *rdd.Program, body int) []schedule.Stage {
	var stages []schedule.Stage
	for _, s := range p.Stages {
		stages = append(stages, schedule.Stage{Parents: s.Parents, Parts: s.Parts, Main: []int{body}})
	}
	return stages
}
