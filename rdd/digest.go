package rdd

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// digest covers whatever decides which rows a task computes, so far as the graph's shape shows it: functions and what they
// capture are the binary's business, which has a digest of its own.
func (p *Program) digest() {
	var b strings.Builder
	for _, s := range p.Stages {
		fmt.Fprintf(&b, "stage %d parts %d buckets %d parents %v\n", s.ID, s.Parts, s.Buckets(), s.Parents)
		if x := s.Exchange; x != nil {
			fmt.Fprintf(&b, " by %s %s\n", x.By, x.to)
		}
		p.describe(&b, s, s.Node, true)
	}
	fmt.Fprintf(&b, "outputs %v", p.Outputs)
	sum := sha256.Sum256([]byte(b.String()))
	p.Digest = hex.EncodeToString(sum[:8])
}

// describe writes down what a stage computes, down to the blocks that it reads. A node that is fused is used once, so nothing is
// written twice.
func (p *Program) describe(b *strings.Builder, s *Stage, n *Node, top bool) {
	if id, ok := p.kept[n]; ok && (!top || id != s.ID) {
		fmt.Fprintf(b, " blocks of %d\n", id)
		return
	}
	fmt.Fprintf(b, " %q %q %s parts %d keep %v facts %q\n", n.Kind, n.Name, n.At, n.Parts, n.Keep, n.Facts)
	fmt.Fprintf(b, "  %s %s\n", n.Shape, n.Shape.columns())
	if n.exchange != nil {
		fmt.Fprintf(b, " buckets of %d\n", p.sent[n.exchange])
		return
	}
	for i, d := range n.Deps {
		fmt.Fprintf(b, " parent %d of %d from %d\n", i, len(n.Deps), d.From)
		p.describe(b, s, d.Node, false)
	}
}

// columns are the types of the columns, which say more than the names of the Go types.
func (s *Shape) columns() string {
	if s.Key == nil || s.Val == nil {
		return "" // a mistake that Compile reports
	}
	return s.Key.Schema().String() + s.Val.Schema().String()
}

// String tells two partitioners apart.
func (p *Partitioner) String() string { return fmt.Sprintf("%d groups in %d parts", p.Groups, p.Parts) }
