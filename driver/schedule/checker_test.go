package schedule

import (
	"fmt"
	"maps"
	"slices"
)

// checker knows what has been told to a scheduler and what it has answered, and says which promise is broken. It keeps
// plain sets in place of the scheduler's counts, and shares no code with it.
type checker struct {
	bad      []string
	slots    map[Worker]int
	draining map[Worker]bool
	aside    map[Worker]bool
	run      map[TaskID]Worker // launched, not ended and not cancelled
	launches []Output          // of this Step
	second   []TaskID          // copies of what has just finished: to be cancelled in this Step
	refused  *Grant            // what has just failed to be published: to be given again, or to be run elsewhere
	batch    *checked
	due      Tick
	covered  Tick
	halted   bool
	met      map[string]int // how often what is worth testing has happened
}

type place struct{ program, stage, part int }

type held struct {
	attempt int
	worker  Worker
}

// checked is what is known of the batch that runs.
type checked struct {
	n                 int64
	programs          [][]Stage
	bodies, redone    bool
	logged, committed bool // PlanLogged and CommitLogged told
	bodiesDone        bool
	last              map[place]int   // newest attempt launched
	ever              map[place]bool  // finished at least once
	out               map[place]held  // finished, and its output is where it was made
	grants            []Grant         // not answered
	again             []Grant         // failed; may be given again
	published         map[place]bool  // granted and published
	seen              map[string]bool // "round place" of every grant
	failedAt          map[place]Worker
	rounds            int    // of the newest grant
	lost, failed      bool   // since the first grant a worker was lost; something failed
	state             string // last command of the life cycle
}

func newChecker(committed int64, last Tick) *checker {
	return &checker{
		slots: map[Worker]int{}, run: map[TaskID]Worker{}, met: map[string]int{}, draining: map[Worker]bool{}, aside: map[Worker]bool{},
		covered: last, due: last, batch: &checked{n: committed, state: "Committed"},
	}
}

func (c *checker) badf(format string, args ...any) {
	c.bad = append(c.bad, fmt.Sprintf(format, args...))
}

func (c *checker) require(ok bool, format string, args ...any) {
	if !ok {
		c.badf(format, args...)
	}
}

func (c *checker) open(n int64, state string) {
	c.batch = &checked{n: n, state: state, last: map[place]int{}, ever: map[place]bool{}, out: map[place]held{},
		published: map[place]bool{}, failedAt: map[place]Worker{}, seen: map[string]bool{}}
}

func at(t TaskID) place { return place{t.Program, t.Stage, t.Partition} }

// event takes note of what the scheduler is about to be told.
func (c *checker) event(e Event) {
	b := c.batch
	c.second, c.refused = nil, nil
	switch e := e.(type) {
	case WorkerSlots:
		if _, up := c.slots[e.Worker]; up {
			c.slots[e.Worker] = e.Slots
		}
	case WorkerDraining:
		if _, up := c.slots[e.Worker]; up {
			c.draining[e.Worker] = true
		}
	case WorkerUp:
		c.lose(e.Worker)
		c.slots[e.Worker] = e.Slots
	case WorkerDown:
		c.lose(e.Worker)
	case Due:
		c.due = max(c.due, e.Tick)
	case Recovered:
		c.covered, c.due = e.To, max(c.due, e.To)
		c.open(e.Batch, "LogPlan")
		c.batch.programs, c.batch.bodies, c.batch.logged, c.batch.redone = [][]Stage{e.Stages}, e.Bodies, true, true
	case Planned:
		if e.Batch == b.n && b.state == "Plan" {
			b.programs, b.bodies = [][]Stage{e.Stages}, e.Bodies
		}
	case PlanLogged:
		b.logged = b.logged || e.Batch == b.n && b.state == "LogPlan"
	case Requested:
		if e.Batch == b.n && b.state == "RunBodies" {
			c.requested(e)
		}
	case BodiesDone:
		if e.Batch == b.n && b.state == "RunBodies" {
			b.bodiesDone = true
			b.failed = b.failed || e.Err != nil || !c.programFinished(len(b.programs)-1)
		}
	case CommitLogged:
		b.committed = b.committed || e.Batch == b.n && b.state == "LogCommit"
	default:
		c.reported(e)
	}
}

// reported takes note of what workers say.
func (c *checker) reported(e Event) {
	b := c.batch
	switch e := e.(type) {
	case TaskDone:
		if c.ended(e.Task, e.Worker) {
			b.ever[at(e.Task)] = true
			b.out[at(e.Task)] = held{e.Task.Attempt, e.Worker}
			c.second = c.attempts(at(e.Task))
		}
	case TaskFailed:
		if c.ended(e.Task, e.Worker) {
			b.failed = true
			b.failedAt[at(e.Task)] = e.Worker
		}
	case FetchFailed:
		if c.ended(e.Task, e.Worker) {
			b.failed = true
			if e.Cut {
				b.failedAt[at(e.Task)] = e.Worker
			}
			for _, m := range e.Missing {
				c.met["missing output"]++
				if h := b.out[at(m.Task)]; h.attempt == m.Task.Attempt {
					b.failedAt[at(m.Task)] = h.worker
					delete(b.out, at(m.Task))
				}
			}
		}
	case Published:
		if g, ok := c.answered(e.Batch, e.Worker, e.Round); ok {
			for _, t := range g.Tasks {
				b.published[at(t)] = true
			}
		}
	case PublishFailed:
		if g, ok := c.answered(e.Batch, e.Worker, e.Round); ok {
			b.again = append(b.again, g)
			c.refused = &g
		}
	}
}

// requested takes the next sub-job; one that breaks the rules may fail the batch.
func (c *checker) requested(e Requested) {
	b := c.batch
	k := len(b.programs)
	wrong := e.Program != k || k > 1 && !c.programFinished(k-1) || checkStages(e.Stages, len(b.programs[0])) != nil
	b.failed = b.failed || wrong
	if !wrong {
		b.programs = append(b.programs, e.Stages)
	}
}

func (c *checker) ended(t TaskID, w Worker) bool {
	if on, ok := c.run[t]; !ok || on != w {
		c.met["stale report"]++
		return false
	}
	delete(c.run, t)
	return true
}

func (c *checker) lose(w Worker) {
	b := c.batch
	delete(c.slots, w)
	delete(c.draining, w)
	delete(c.aside, w)
	for t, on := range c.run {
		if on != w {
			continue
		}
		delete(c.run, t)
		if len(c.attempts(at(t))) > 0 {
			c.met["copy outlived a worker"]++
			continue
		}
		b.failed = true
		delete(b.failedAt, at(t))
	}
	for p, h := range b.out {
		if h.worker == w {
			delete(b.out, p)
		}
	}
	maps.DeleteFunc(b.failedAt, func(_ place, at Worker) bool { return at == w })
	b.grants = slices.DeleteFunc(b.grants, func(g Grant) bool { return g.Worker == w })
	b.lost = true
}

func (c *checker) answered(n int64, w Worker, round int) (Grant, bool) {
	i := slices.IndexFunc(c.batch.grants, func(g Grant) bool { return g.Batch == n && g.Worker == w && g.Round == round })
	if i < 0 {
		return Grant{}, false
	}
	g := c.batch.grants[i]
	c.batch.grants = slices.Delete(c.batch.grants, i, i+1)
	return g, true
}

// commands checks what the scheduler answered.
func (c *checker) commands(cmds []Command) {
	told := map[string]bool{}
	if c.refused != nil {
		c.movedAway(cmds)
	}
	for _, cmd := range cmds {
		c.require(!c.halted, "%s after Halt", describe(cmd))
		c.command(cmd, told)
	}
	c.launched()
	for _, t := range c.second {
		_, runs := c.run[t]
		c.require(!runs || c.halted, "%v runs on, though another copy has finished", t)
	}
	c.require(c.halted || len(c.aside) == 0 || c.able() > 0 || !c.wouldBeAble(), "all workers are set aside")
}

func (c *checker) command(cmd Command, told map[string]bool) {
	b := c.batch
	to := func(state string, n int64, from ...string) {
		c.require(b.n == n && slices.Contains(from, b.state), "%s while batch %d is at %s", describe(cmd), b.n, b.state)
		b.state = state
	}
	switch cmd := cmd.(type) {
	case Plan:
		c.require(b.state == "Committed" && cmd.Batch == b.n+1, "%s while batch %d is at %s", describe(cmd), b.n, b.state)
		c.require(cmd.From == c.covered || c.covered == 0 && cmd.From == cmd.To-1, "%s: ticks are covered up to %d", describe(cmd), c.covered)
		c.require(cmd.To == c.due && cmd.From < cmd.To, "%s: ticks are due up to %d", describe(cmd), c.due)
		c.covered = cmd.To
		c.open(cmd.Batch, "Plan")
	case LogPlan:
		to("LogPlan", cmd.Batch, "Plan")
	case Launch:
		c.require(!told["launch "+string(cmd.Worker)], "two launches for %s in a step", cmd.Worker)
		told["launch "+string(cmd.Worker)] = true
		c.launch(cmd)
	case Cancel:
		for _, t := range cmd.Tasks {
			c.require(c.run[t] == cmd.Worker, "cancel of %v on %s, where it does not run", t, cmd.Worker)
			delete(c.run, t)
		}
	case SetAside:
		c.require(c.slots[cmd.Worker] >= 0 && !c.aside[cmd.Worker], "%s, which is not there", describe(cmd))
		c.aside[cmd.Worker] = true
		c.require(c.able() > 0, "%s, and nobody is left", describe(cmd))
		c.met["set aside"]++
	case TakenBack:
		c.require(c.aside[cmd.Worker], "%s, which was not set aside", describe(cmd))
		delete(c.aside, cmd.Worker)
	case Starved:
		c.require(c.able() == 0 && cmd.Batch == b.n, "%s, and %d workers could take tasks", describe(cmd), c.able())
		c.met["starved"]++
	case Drained:
		c.drained(cmd)
	case RunBodies:
		c.require(c.finished(), "%s before the main program has finished", describe(cmd))
		to("RunBodies", cmd.Batch, "LogPlan")
	case ProgramDone:
		c.met["sub-job"]++
		c.require(c.programFinished(cmd.Program), "%s before it has finished", describe(cmd))
	case Grant:
		c.grant(cmd)
		to("Grant", cmd.Batch, "LogPlan", "RunBodies", "Grant")
	case LogCommit:
		c.require(c.finished(), "%s before all tasks have finished", describe(cmd))
		c.require(b.bodiesDone || !b.bodies, "%s before the bodies are done", describe(cmd))
		c.eachGranted(func(p place) { c.require(b.published[p], "%s before %v is published", describe(cmd), p) })
		to("LogCommit", cmd.Batch, "LogPlan", "RunBodies", "Grant")
	case Committed:
		c.require(b.committed, "%s before COMMIT is logged", describe(cmd))
		to("Committed", cmd.Batch, "LogCommit")
	case LogAbort:
		c.require(b.failed, "%s, and nothing failed", describe(cmd))
		c.require(!b.redone, "%s, and it may have been granted before it was redone", describe(cmd))
		to("LogAbort", cmd.Batch, "LogPlan", "RunBodies")
	case Aborted:
		to("Aborted", cmd.Batch, "LogAbort")
		c.met["abort"]++
	case Halt:
		c.halted = true
		if cmd.Err != nil && b.state == "Grant" {
			c.met["plan left open"]++
		}
	}
}

func (c *checker) launch(cmd Launch) {
	b := c.batch
	c.require(b.logged, "%s before PLAN is logged", describe(cmd))
	c.require(b.state == "LogPlan" || b.state == "RunBodies" || b.state == "Grant" && b.lost, "%s at %s", describe(cmd), b.state)
	c.require(slices.IsSortedFunc(cmd.Tasks, TaskID.compare), "%s is not in order", describe(cmd))
	c.require(!c.aside[cmd.Worker] && !c.draining[cmd.Worker], "%s, which is set aside or draining", describe(cmd))
	for _, t := range cmd.Tasks {
		c.launches = append(c.launches, Output{t, cmd.Worker})
	}
}

// launched checks the tasks of all launches of a Step, a task before its copy.
func (c *checker) launched() {
	slices.SortFunc(c.launches, func(a, b Output) int { return a.Task.compare(b.Task) })
	for _, l := range c.launches {
		c.launchedTask(l.Task, l.Worker)
	}
	for _, l := range c.launches {
		load := 0
		for _, w := range c.run {
			if w == l.Worker {
				load++
			}
		}
		c.require(load <= c.slots[l.Worker], "%d tasks on %s, which has %d slots", load, l.Worker, c.slots[l.Worker])
	}
	c.launches = c.launches[:0]
}

func (c *checker) launchedTask(t TaskID, on Worker) {
	b, p := c.batch, at(t)
	c.require(t.Batch == b.n && t.Attempt == b.last[p]+1, "launch of %v after attempt %d", t, b.last[p])
	b.last[p] = t.Attempt
	_, there := b.out[p]
	if others := c.attempts(p); len(others) > 0 {
		c.require(!there && len(others) == 1, "copy of %v beside %v", t, others)
		c.copied(t, on, c.run[others[0]])
	} else {
		c.require(!there && (!b.ever[p] || c.needed(p)), "launch of %v, whose result is there or not needed", t)
		c.require(b.failedAt[p] != on || c.able() == 1, "launch of %v at %s, where it failed", t, on)
	}
	c.run[t] = on
	st := b.programs[t.Program][t.Stage]
	for _, s := range st.Parents {
		c.whole(t, t.Program, s)
	}
	for _, s := range st.Main {
		c.whole(t, 0, s)
	}
}

// able counts the workers that can take tasks.
func (c *checker) able() (n int) {
	for w, slots := range c.slots {
		if !c.aside[w] && !c.draining[w] {
			n += min(max(slots, 0), 1)
		}
	}
	return n
}

// wouldBeAble says that a worker that is set aside could take tasks.
func (c *checker) wouldBeAble() bool {
	for w := range c.aside {
		if c.slots[w] > 0 && !c.draining[w] {
			return true
		}
	}
	return false
}

// copied checks the launch of a second copy.
func (c *checker) copied(t TaskID, on, first Worker) {
	b, st := c.batch, c.batch.programs[t.Program][t.Stage]
	c.met["copy"]++
	c.require(on != first, "both copies of %v on %s", t, on)
	c.require(b.rounds == 0, "copy of %v after a grant", t)
	c.require(b.failedAt[at(t)] != on, "copy of %v at %s, where it failed", t, on)
	c.require(st.Holders == nil || t.Partition < len(st.Holders) && slices.Contains(st.Holders[t.Partition], on),
		"copy of %v at %s, which does not hold its state", t, on)
}

func (c *checker) drained(cmd Drained) {
	b := c.batch
	c.require(c.draining[cmd.Worker], "%s, which does not drain", describe(cmd))
	between := b.state == "Committed" || b.state == "Plan" || b.state == "LogPlan" && !b.logged
	c.require(between, "%s while batch %d is at %s", describe(cmd), b.n, b.state)
	c.met["drained"]++
}

// attempts lists those that run of a partition.
func (c *checker) attempts(p place) (out []TaskID) {
	for t := range c.run {
		if at(t) == p {
			out = append(out, t)
		}
	}
	return out
}

// needed says that a lost output is still to be published, or is read by something that is to be launched.
func (c *checker) needed(p place) bool {
	b := c.batch
	if b.programs[p.program][p.stage].Granted && !b.published[p] {
		return true
	}
	for k, stages := range b.programs {
		for i, st := range stages {
			reads := k == p.program && slices.Contains(st.Parents, p.stage) || p.program == 0 && slices.Contains(st.Main, p.stage)
			for j := range st.Parts {
				if _, there := b.out[place{k, i, j}]; reads && !there && len(c.attempts(place{k, i, j})) == 0 {
					return true
				}
			}
		}
	}
	return false
}

func (c *checker) whole(t TaskID, program, stage int) {
	for i := range c.batch.programs[program][stage].Parts {
		_, ok := c.batch.out[place{program, stage, i}]
		c.require(ok, "launch of %v without output %d/%d/%d", t, program, stage, i)
	}
}
