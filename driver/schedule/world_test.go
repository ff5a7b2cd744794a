package schedule

import (
	"container/heap"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// world is a driver's surroundings in virtual time: workers that finish, fail, lose outputs and die, a log, bodies that
// ask for sub-jobs, and messages that are late, doubled and out of order. Membership alone comes in order and once.
type world struct {
	*testing.T
	seed    uint64
	rng     *rand.Rand
	s       *Scheduler
	check   *checker
	clock   Clock
	now     time.Duration
	faults  time.Duration // until then things go wrong
	trouble int           // and so much of it
	goal    int64         // batches to commit before Stop
	pending items
	seq     int
	workers []*simWorker // alive or not, oldest first
	names   int
	plans   map[int64][][]Stage
	bodies  map[int64]int // actions still to be asked for
	commits int64
	end     *Halt
	trace   io.Writer
}

type item struct {
	at  time.Duration
	seq int
	do  func()
}

type items []item

func (h items) Len() int { return len(h) }
func (h items) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}
func (h items) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *items) Push(x any)   { *h = append(*h, x.(item)) }
func (h *items) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

type simWorker struct {
	name      Worker
	slots     int
	alive     bool
	blocks    map[TaskID]bool
	cancelled map[TaskID]bool
}

func (w *world) after(d time.Duration, do func()) {
	w.seq++
	heap.Push(&w.pending, item{w.now + d, w.seq, do})
}

func (w *world) delay(most time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(most)))
}

func (w *world) chance(percent int) bool { return w.rng.IntN(100) < percent }

func (w *world) wrong(percent int) bool { return w.chance(percent) && w.now < w.faults }

// send delivers an event after a while, and perhaps again later.
func (w *world) send(e Event) {
	slow := 3 * time.Millisecond
	if w.wrong(10) {
		slow = 150 * time.Millisecond
	}
	w.after(w.delay(slow), func() { w.deliver(e) })
	if w.wrong(15) {
		w.after(w.delay(300*time.Millisecond), func() { w.deliver(e) })
	}
}

func (w *world) deliver(e Event) {
	fmt.Fprintf(w.trace, "%v %T %v\n", w.now, e, e)
	w.lookUp(e)
	w.check.event(e)
	cmds := w.s.Step(time.Unix(0, 0).Add(w.now), e)
	w.check.commands(cmds)
	for _, c := range cmds {
		fmt.Fprintf(w.trace, "  %s\n", describe(c))
		w.carryOut(c)
	}
	if len(w.check.bad) > 0 {
		w.Fatalf("seed %d: %v after %T %+v: %q", w.seed, w.now, e, e, w.check.bad)
	}
}

// lookUp compares what the scheduler says it waits for with what the checker knows.
func (w *world) lookUp(e Event) {
	switch e := e.(type) {
	case TaskDone:
		on, runs := w.check.run[e.Task]
		w.check.require(w.s.Runs(e.Task, e.Worker) == (runs && on == e.Worker), "Runs(%v, %s)", e.Task, e.Worker)
	case Published:
		waits := slices.ContainsFunc(w.check.batch.grants, func(g Grant) bool {
			return g.Batch == e.Batch && g.Worker == e.Worker && g.Round == e.Round
		})
		w.check.require(w.s.Awaits(e.Batch, e.Worker, e.Round) == waits, "Awaits(%d, %s, %d)", e.Batch, e.Worker, e.Round)
	}
}

func (w *world) carryOut(c Command) {
	switch c := c.(type) {
	case Plan:
		stages := w.stages(0)
		w.plans[c.Batch] = [][]Stage{stages}
		w.send(Planned{c.Batch, stages, w.actions(c.Batch), c.Batch == w.goal && w.goal%2 == 0})
	case LogPlan:
		w.send(PlanLogged{c.Batch})
	case Launch:
		for _, t := range c.Tasks {
			w.start(w.named(c.Worker), t)
		}
	case Cancel:
		for _, t := range c.Tasks {
			if sw := w.named(c.Worker); sw != nil {
				sw.cancelled[t] = true
			}
		}
	case RunBodies:
		w.act(c.Batch, 1)
	case ProgramDone:
		w.act(c.Batch, c.Program+1)
	case ProgramFailed:
		w.send(BodiesDone{c.Batch, c.Err})
	case Grant:
		w.publish(w.named(c.Worker), c)
	case LogCommit:
		w.send(CommitLogged{c.Batch})
	case LogAbort:
		w.send(AbortLogged{c.Batch})
	case Committed:
		if w.commits = c.Batch; c.Batch == w.goal {
			w.send(Stop{})
		}
	case Drained:
		w.after(w.delay(5*time.Millisecond), func() {
			if sw := w.named(c.Worker); sw.alive {
				sw.alive = false
				w.deliver(WorkerDown{c.Worker})
			}
		})
	case Halt:
		w.end = &c
	case WakeAt:
		w.after(c.Time.Sub(time.Unix(0, 0))-w.now, func() { w.deliver(Wake{}) })
	}
}

// stages makes a random program; mains is the number of stages of the main program, if it is a sub-job's.
func (w *world) stages(mains int) []Stage {
	out := make([]Stage, w.rng.IntN(5))
	for i := range out {
		st := &out[i]
		st.Parts = w.rng.IntN(5)
		st.Granted = w.chance(40)
		for p := range i {
			if w.chance(40) {
				st.Parents = append(st.Parents, p)
			}
		}
		for p := range mains {
			if w.chance(30) {
				st.Main = append(st.Main, p)
			}
		}
		if w.chance(20) {
			st.Holders = [][]Worker{{w.anyone().name}, {w.anyone().name, "nobody"}}
		}
		for range w.rng.IntN(st.Parts + 1) {
			st.Prefer = append(st.Prefer, []Worker{w.anyone().name, "nobody"})
		}
	}
	return out
}

func (w *world) anyone() *simWorker { return w.workers[w.rng.IntN(len(w.workers))] }

func (w *world) actions(batch int64) bool {
	if w.chance(60) {
		return false
	}
	w.bodies[batch] = w.rng.IntN(4)
	return true
}

func (w *world) act(batch int64, k int) {
	if k > w.bodies[batch] {
		w.send(BodiesDone{Batch: batch})
		return
	}
	stages := w.stages(len(w.plans[batch][0]))
	w.plans[batch] = append(w.plans[batch], stages)
	w.send(Requested{batch, k, stages})
}

func (w *world) named(name Worker) *simWorker {
	for _, sw := range slices.Backward(w.workers) {
		if sw.name == name {
			return sw
		}
	}
	return nil
}

// start runs a task. Where its parents' outputs lie is known when it is launched.
func (w *world) start(sw *simWorker, t TaskID) {
	st := w.plans[t.Batch][t.Program][t.Stage]
	var needs []Output
	for _, p := range st.Parents {
		needs = w.s.Outputs(needs, t.Batch, t.Program, p)
	}
	for _, p := range st.Main {
		needs = w.s.Outputs(needs, t.Batch, 0, p)
	}
	takes := w.delay(20 * time.Millisecond)
	if w.wrong(10) {
		takes += w.delay(200 * time.Millisecond)
	}
	w.after(takes, func() {
		if !sw.alive || sw.cancelled[t] {
			return
		}
		var missing []Output
		for _, o := range needs {
			if !w.fetch(o) {
				missing = append(missing, o)
			}
		}
		switch {
		case len(missing) > 0:
			w.send(FetchFailed{t, sw.name, missing, w.chance(50)})
		case w.wrong(4 * w.trouble):
			w.send(TaskFailed{t, sw.name, Retry, errors.New("bad luck")})
		default:
			sw.blocks[t] = true
			w.send(TaskDone{t, sw.name})
		}
	})
}

func (w *world) fetch(o Output) bool {
	sw := w.named(o.Worker)
	if w.wrong(w.trouble) {
		delete(sw.blocks, o.Task)
	}
	return sw.alive && sw.blocks[o.Task]
}

func (w *world) publish(sw *simWorker, g Grant) {
	w.after(w.delay(20*time.Millisecond), func() {
		switch {
		case !sw.alive:
		case w.wrong(10), w.wrong(60) && sw.slots == 2:
			w.send(PublishFailed{g.Batch, g.Worker, g.Round, Retry, errors.New("sink is away")})
		default:
			w.send(Published{g.Batch, g.Worker, g.Round})
		}
	})
}

func (w *world) join(name Worker) {
	if name == "" {
		w.names++
		name = Worker(fmt.Sprintf("w%d", w.names))
	}
	sw := &simWorker{name: name, slots: 1 + w.rng.IntN(3), alive: true, blocks: map[TaskID]bool{}, cancelled: map[TaskID]bool{}}
	w.workers = append(w.workers, sw)
	w.deliver(WorkerUp{name, sw.slots})
}

// kill ends a worker now; the scheduler hears of it later, or only of a new worker of the same name.
func (w *world) kill() {
	if w.now >= w.faults {
		return
	}
	w.after(w.delay(600*time.Millisecond)/time.Duration(w.trouble), w.kill)
	sw := w.workers[w.rng.IntN(len(w.workers))]
	if !sw.alive {
		return
	}
	sw.alive = false
	heard := w.delay(60 * time.Millisecond)
	if w.chance(30) {
		w.after(heard, func() { w.join(sw.name) })
		return
	}
	w.after(heard, func() { w.deliver(WorkerDown{sw.name}) })
	w.after(heard+w.delay(100*time.Millisecond), func() { w.join("") })
}

func (w *world) tick(last Tick) {
	tick, due, wake := w.clock.Due(time.Unix(0, 0).Add(w.now), last)
	if due {
		w.deliver(Due{tick})
	}
	w.after(wake.Sub(time.Unix(0, 0))-w.now, func() { w.tick(tick) })
}

// simulate runs one seed to its Halt and returns a hash of everything that was said and what has happened how often.
func simulate(t *testing.T, seed uint64, dump io.Writer) (hash uint64, met map[string]int) {
	sum := fnv.New64a()
	w := &world{
		T: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)), clock: Clock{10 * time.Millisecond}, faults: time.Second, goal: 8,
		plans: map[int64][][]Stage{}, bodies: map[int64]int{}, trace: io.MultiWriter(sum, dump),
	}
	if seed%5 == 0 {
		w.faults = 0 // and once in five runs all is well
	}
	w.trouble = 1 + w.rng.IntN(6)
	w.goal = 4 + w.rng.Int64N(6)
	o := Options{Interval: w.clock.Interval, Retries: 1, StageAttempts: 2, Speculate: float64(seed%3) - 1, SpeculateAll: seed%7 == 0,
		AsideAfter: 2 + int(seed%4), AsideFor: 100 * time.Millisecond, NoWorkerWait: 20 * time.Millisecond}
	patient := seed%3 != 0
	if patient {
		o.Retries, o.StageAttempts = 1<<20, 1<<20
	}
	var err error
	if w.s, err = New(o); err != nil {
		t.Fatal(err)
	}
	w.check = newChecker(0, 0)
	for range 1 + w.rng.IntN(4) {
		w.join("")
	}
	if w.chance(30) {
		stages := w.stages(0)
		w.plans[1] = [][]Stage{stages}
		w.deliver(Recovered{Batch: 1, To: 1, Stages: stages, Bodies: w.actions(1)})
	}
	w.tick(w.check.covered)
	w.after(w.delay(200*time.Millisecond), w.kill)
	w.after(w.delay(200*time.Millisecond), w.disturb)
	if !patient && w.chance(30) {
		w.after(w.delay(300*time.Millisecond), func() { w.deliver(Stop{}) })
	}
	for steps := 0; w.end == nil; steps++ {
		if len(w.pending) == 0 || steps > 100_000 {
			t.Fatalf("seed %d: stuck at %v in batch %d: %+v", seed, w.now, w.check.batch.n, w.check.batch.state)
		}
		next := heap.Pop(&w.pending).(item)
		w.now = next.at
		next.do()
	}
	if patient && (w.end.Err != nil || w.commits < w.goal) {
		t.Fatalf("seed %d: %d of %d batches, %v", seed, w.commits, w.goal, w.end.Err)
	}
	if w.end.Err != nil && !w.check.batch.redone && w.check.batch.state != "Aborted" && w.check.batch.state != "Grant" {
		t.Fatalf("seed %d: halt at %s: %v", seed, w.check.batch.state, w.end.Err)
	}
	return sum.Sum64(), w.check.met
}

// disturb changes a worker's slots, or has it leave in order, as long as things go wrong.
func (w *world) disturb() {
	if w.now >= w.faults {
		for _, sw := range w.workers {
			if sw.alive && sw.slots < 1 {
				sw.slots = 1
				w.deliver(WorkerSlots{sw.name, 1})
			}
		}
		return
	}
	switch sw := w.anyone(); {
	case !sw.alive:
	case w.chance(30):
		w.deliver(WorkerDraining{sw.name})
		w.after(w.delay(60*time.Millisecond), func() { w.join("") })
	default:
		sw.slots = w.rng.IntN(4)
		w.deliver(WorkerSlots{sw.name, sw.slots})
	}
	w.after(w.delay(150*time.Millisecond), w.disturb)
}
