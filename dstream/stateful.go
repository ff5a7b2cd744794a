package dstream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// stateful is a step with keyed state, or with a watermark only.
type stateful struct {
	n     *node
	kind  string
	name  string // of its state in the checkpoint, set when the graph is complete
	shape string // what the state looks like: another one cannot read it
	fresh func() State

	moments []*eventTime // that its watermark is made of; none: it runs on batch time
	sources []string     // inputs above it
	prompt  bool         // a window takes rows in the very batch that closes it
}

// stateful declares that a node's step holds state. In event time rows are late against the watermark that windows close under. On
// batch time no row is ever late, and the results of a window come in the batch that closes windows above it with the same watermark:
// both are for windows that were open before it.
func (j *Job) stateful(n *node, kind string, fresh func() State) *stateful {
	s := &stateful{n: n, kind: kind, fresh: fresh, sources: inputsAbove(n)}
	if from := n.parents[0]; from.timed {
		s.moments = moments(from)
		s.prompt = results(from)
	}
	s.prompt = s.prompt || len(s.moments) == 0
	n.state = s
	return s
}

// judge is the watermark that rows are late against.
func (s *stateful) judge(e *Env) int64 {
	if s.prompt {
		return e.Prev[s.name]
	}
	return e.Marks[s.name]
}

// mark is the watermark of a batch: a pure function of the COMMIT before it. It never goes back: a source that is new to the step
// starts behind it.
func (s *stateful) mark(before *Progress, at time.Time) int64 {
	low := MaxTime
	switch {
	case len(s.moments) > 0:
		for _, m := range s.moments {
			low = min(low, m.watermark(before, at))
		}
	case !all(before.Ended, s.sources): // else nothing will come: windows close as they do in event time
		low = at.UnixMicro()
	}
	if was, ok := before.Marks[s.name]; ok {
		low = max(low, was)
	}
	return low
}

// rename gives the step before a Named its name.
func (j *Job) rename(n *node, name string) {
	if name == "" || strings.ContainsAny(name, "\x00\n") {
		j.fail(rdd.CallSite(), "Named", fmt.Errorf("%q is not a name", name))
		return
	}
	n.name = name
}

// nameSteps names what has to be found again after a restart: `.Named(x)`, or else the nearest named source and the ordinal among
// the steps of its kind below it. Positions in the file play no part, so that code may move.
func (j *Job) nameSteps() {
	count, owner := map[string]int{}, map[string]*node{}
	for _, n := range j.nodes {
		if n.state == nil && n.moment == nil {
			continue
		}
		name := n.name
		if name == "" {
			base := nearest(n) + "/" + strings.ToLower(n.kind)
			count[base]++
			name = fmt.Sprintf("%s#%d", base, count[base])
		}
		if other := owner[name]; other != nil {
			j.fail(n.at, n.kind, fmt.Errorf("the name %q is taken by the %s at %s: each step with state needs one of its own", name, other.kind, other.at))
		}
		owner[name] = n
		if n.state != nil {
			n.state.name = name
			j.steps = append(j.steps, n.state)
		}
		if n.moment != nil {
			n.moment.step, n.moment.sources = name, inputsAbove(n)
			j.moments = append(j.moments, n.moment)
		}
	}
}

// nearest is the name of the closest source above n, the first parent before the others. A name given to a step in between plays no
// part: who names one must not lose the state below.
func nearest(n *node) string {
	for level := n.parents; len(level) > 0; {
		var above []*node
		for _, p := range level {
			if p.kind == sourceKind {
				return p.name
			}
			above = append(above, p.parents...)
		}
		level = above
	}
	return "job"
}

// inputsAbove lists the sources that n's rows come from.
func inputsAbove(n *node) []string {
	var out []string
	seen := map[*node]bool{}
	var walk func(*node)
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.kind == sourceKind {
			out = append(out, n.name)
		}
		for _, p := range n.parents {
			walk(p)
		}
	}
	walk(n)
	return out
}

// moments lists the EventTime steps that decide the event times of n's rows: the nearest ones above it.
func moments(n *node) []*eventTime {
	var out []*eventTime
	seen := map[*node]bool{}
	var walk func(*node)
	walk = func(n *node) {
		if seen[n] {
			return
		}
		seen[n] = true
		if n.moment != nil {
			out = append(out, n.moment)
			return
		}
		for _, p := range n.parents {
			walk(p)
		}
	}
	walk(n)
	return out
}

// results tells whether results of windows are among n's rows, seen up to the EventTime steps that decide their times.
func results(n *node) bool {
	if n.moment != nil {
		return false
	}
	if n.state != nil && n.state.fresh != nil {
		return true
	}
	return slices.ContainsFunc(n.parents, results)
}

// lost finds the step in which the event time of n's rows was lost, and the EventTime that had given it; nil if they never had one or
// have it still.
func lost(n *node) (culprit, given *node) {
	if n.timed {
		return nil, nil
	}
	for _, p := range n.parents {
		if p.timed {
			if above := timedBy(p); above != nil {
				return n, above
			}
			continue
		}
		if culprit, given = lost(p); culprit != nil {
			return culprit, given
		}
	}
	return nil, nil
}

// timedBy is the first EventTime above n, or n itself.
func timedBy(n *node) *node {
	if n.moment != nil {
		return n
	}
	for _, p := range n.parents {
		if g := timedBy(p); g != nil {
			return g
		}
	}
	return nil
}

// Marks are the watermarks that the steps of a batch run under.
func (g *Graph) Marks(before *Progress, p *Plan) map[string]int64 {
	marks := make(map[string]int64, len(g.job.steps))
	for _, s := range g.job.steps {
		marks[s.name] = s.mark(before, p.Time)
	}
	return marks
}
