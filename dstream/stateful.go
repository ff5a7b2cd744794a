package dstream

import (
	"fmt"
	"strings"
)

// stateful is a step with keyed state, or with a watermark only.
type stateful struct {
	n     *node
	kind  string
	name  string // of its state in the checkpoint, set when the graph is complete
	shape string // what the state looks like: another one cannot read it
	fresh func() State
}

// stateful declares that a node's step holds state.
func (j *Job) stateful(n *node, kind string, fresh func() State) *stateful {
	n.state = &stateful{n: n, kind: kind, fresh: fresh}
	return n.state
}

// judge is the watermark that rows are late against. In event time it is the one that windows close under. On batch time no row
// is ever late, and a window takes rows in the very batch that closes it.
func (s *stateful) judge(e *Env) int64 {
	if s.n.parents[0].timed {
		return e.Marks[s.name]
	}
	return e.Prev[s.name]
}

// rename gives the step before a Named its name.
func (j *Job) rename(n *node, name string) {
	if name == "" || strings.ContainsAny(name, "\x00\n") {
		j.fail(n.at, "Named", fmt.Errorf("%q is not a name", name))
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
		}
		if n.moment != nil {
			n.moment.step, n.moment.sources = name, inputsAbove(n)
		}
	}
}

// nearest is the name of the closest named step or source above n, the first parent before the others.
func nearest(n *node) string {
	for level := n.parents; len(level) > 0; {
		var above []*node
		for _, p := range level {
			if p.name != "" {
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

// Marks are the watermarks that the steps of a batch run under: a pure function of the COMMIT before it.
func (g *Graph) Marks(before *Progress, p *Plan) map[string]int64 {
	marks := map[string]int64{}
	for _, n := range g.job.nodes {
		if n.state == nil {
			continue
		}
		if !n.parents[0].timed {
			marks[n.state.name] = p.Time.UnixMicro()
			continue
		}
		low := MaxTime
		for _, m := range moments(n.parents[0]) {
			low = min(low, m.watermark(before, p.Time))
		}
		// A watermark never goes back: a source that is new to the step starts behind it.
		if was, ok := before.Marks[n.state.name]; ok {
			low = max(low, was)
		}
		marks[n.state.name] = low
	}
	return marks
}
