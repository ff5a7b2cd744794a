package schedule

import (
	"fmt"
	"time"
)

// state is where a partition stands.
type state uint8

const (
	pending state = iota // to be launched once its stage is not blocked
	running              // attempt runs at part.at, and perhaps a copy at part.copyAt
	done                 // attempt is sealed at part.at
	gone                 // was done, output lost, and nothing to be launched needs it
)

// part is one partition of a stage. Its attempt number is issued+1 whenever an attempt is launched.
type part struct {
	state    state
	granted  bool    // its attempt stands in a grant that is unanswered or published
	issued   int     // attempts so far
	attempt  int     // the one that runs or lies at
	at       *worker // this worker
	copy     int     // a second attempt, which runs at
	copyAt   *worker // this one; nil: there is none
	failures int     // attempts that failed or were lost while no other ran
	fetches  int     // the same, for want of parents' outputs
	avoid    *worker // where it failed last; nil: nowhere

	start, took time.Duration // of attempt: on Scheduler.at's clock; how long, when it is done
}

// issue gives out the next attempt number.
func (p *part) issue() {
	if planted != reuseBug || p.issued == 0 {
		p.issued++
	}
}

// stage is one stage with the counts that make each event cost O(1).
type stage struct {
	Stage
	program, index int
	parts          []part
	children       []*stage // once per edge, so counts of edges agree
	blocked        int      // edges to parents that are not whole
	pending        int      // parts in state pending
	undone         int      // parts in state pending or running
	gone           int      // parts in state gone
	whole          bool     // every part is done

	queue queue // where pending parts wait while the stage stands in batch.ready
	pace  pace  // how long its tasks take
}

// needed says that a partition is still to be launched that reads this stage. Those that run may have read it already;
// one that has not will report what it misses.
func (st *stage) needed() bool {
	for _, c := range st.children {
		if c.pending > 0 && planted != rerunBug {
			return true
		}
	}
	return false
}

// program is one DAG of stages.
type program struct {
	stages   []stage
	undone   int
	reported bool // of a sub-job: it was finished once, and the action that waits for it was told
}

// checkStages finds mistakes that only a bug of the planner can make. mains is the number of stages of program 0, and 0
// for program 0 itself.
func checkStages(stages []Stage, mains int) error {
	for i := range stages {
		st := &stages[i]
		if st.Parts < 0 {
			return fmt.Errorf("stage %d has %d partitions", i, st.Parts)
		}
		for _, p := range st.Parents {
			if p < 0 || p >= i {
				return fmt.Errorf("stage %d names parent %d: parents come first", i, p)
			}
		}
		for _, p := range st.Main {
			if p < 0 || p >= mains {
				return fmt.Errorf("stage %d reads stage %d of the main program, which has %d", i, p, mains)
			}
		}
	}
	return nil
}

// addProgram appends a checked program to the batch. Its stages without parents are ready at once.
func (b *batch) addProgram(now time.Time, specs []Stage) {
	pr := &program{stages: make([]stage, len(specs))}
	total := 0
	for i := range specs {
		total += specs[i].Parts
	}
	parts := make([]part, total)
	for i := range specs {
		st := &pr.stages[i]
		n := specs[i].Parts
		*st = stage{Stage: specs[i], program: len(b.programs), index: i, pending: n, undone: n, whole: n == 0}
		st.parts, parts = parts[:n:n], parts[n:]
		for _, p := range st.Parents {
			st.follow(&pr.stages[p])
		}
		for _, p := range st.Main {
			st.follow(&b.programs[0].stages[p])
		}
		if st.Granted {
			b.ungranted += n
		}
	}
	pr.undone, b.undone, b.pending = total, b.undone+total, b.pending+total
	b.programs = append(b.programs, pr)
	for i := range pr.stages {
		b.enlist(now, &pr.stages[i])
	}
	b.settle(now)
}

func (st *stage) follow(parent *stage) {
	parent.children = append(parent.children, st)
	if !parent.whole {
		st.blocked++
	}
}

// move is the only place where a partition changes its state, so that the counts agree.
func (b *batch) move(st *stage, p *part, to state) {
	b.count(st, p.state, -1)
	p.state = to
	b.count(st, to, +1)
}

func (b *batch) count(st *stage, s state, by int) {
	switch s {
	case pending:
		st.pending += by
		b.pending += by
		fallthrough
	case running:
		st.undone += by
		b.programs[st.program].undone += by
		b.undone += by
	case gone:
		st.gone += by
		b.gone += by
	}
}

// update tells the children when a stage has become whole, or no longer is.
func (b *batch) update(now time.Time, st *stage) {
	whole := st.undone+st.gone == 0
	if whole == st.whole {
		return
	}
	st.whole = whole
	for _, c := range st.children {
		if whole {
			c.blocked--
			b.enlist(now, c)
		} else {
			c.blocked++
		}
	}
}

// settle decides which lost outputs are needed: those of grants to come, and those that partitions read which are to be
// launched. It is called whenever outputs were lost or partitions became pending. Children stand after their parents,
// and so are decided before them.
func (b *batch) settle(now time.Time) {
	if b.gone == 0 {
		return
	}
	for k := len(b.programs) - 1; k >= 0; k-- {
		stages := b.programs[k].stages
		for i := len(stages) - 1; i >= 0; i-- {
			st := &stages[i]
			if st.gone > 0 {
				b.revive(st, st.needed())
			}
			b.update(now, st)
			b.enlist(now, st)
		}
	}
}

func (b *batch) revive(st *stage, needed bool) {
	for i := range st.parts {
		p := &st.parts[i]
		if p.state == gone && (needed || st.Granted && !p.granted) {
			b.move(st, p, pending)
			st.again(i)
		}
	}
}
