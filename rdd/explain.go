package rdd

import (
	"fmt"
	"strings"
)

// String is the plan as people read it, a line a stage: its tasks, what is fused in them, and where the rows go.
//
//	stage 0: 2 tasks: Of → KeyBy → Combine ⇒ 2 buckets by key
//	stage 1: 2 tasks: [0 by key] → Count ⇒ output
func (p *Program) String() string {
	var b strings.Builder
	for _, s := range p.Stages {
		fmt.Fprintf(&b, "stage %d: %d tasks: %s ⇒ %s\n", s.ID, s.Parts, p.fused(s, s.Node, true), p.goal(s))
	}
	return b.String()
}

// fused writes the operators that a stage runs, from what it reads on: [2] stands for the kept rows of stage 2, [2 by key] for
// the buckets that it wrote.
func (p *Program) fused(s *Stage, n *Node, top bool) string {
	if id, ok := p.kept[n]; ok && (!top || id != s.ID) {
		return fmt.Sprintf("[%d]", id)
	}
	name := n.Kind
	if n.Name != "" {
		name += " " + n.Name
	}
	if x := n.exchange; x != nil {
		return fmt.Sprintf("[%d by %s]", p.sent[x], x.By)
	}
	var in []string
	for _, d := range n.Deps {
		in = append(in, p.fused(s, d.Node, false))
	}
	switch len(in) {
	case 0:
		return name
	case 1:
		return in[0] + " → " + name
	}
	return "(" + strings.Join(in, ", ") + ") → " + name
}

func (p *Program) goal(s *Stage) string {
	if s.Exchange != nil {
		return fmt.Sprintf("%d buckets by %s", s.Exchange.Buckets, s.Exchange.By)
	}
	for _, o := range p.Outputs {
		if o == s.ID {
			return "output"
		}
	}
	if s.Node.Keep {
		return "cache"
	}
	return "fork"
}
