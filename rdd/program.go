package rdd

import (
	"errors"
)

// Stage is a run of fused operators: from sources and blocks, through narrow steps, to blocks. Its tasks are its partitions.
type Stage struct {
	ID       int
	Node     *Node     // whose partitions the stage computes
	Exchange *Exchange // how the rows are cut into buckets; nil = one bucket for each partition
	Parents  []int     // stages whose blocks it reads, ascending
	Parts    int
	Nodes    []*Node // fused in it, the one that it computes first
}

// Buckets is the number of buckets that each of the stage's tasks writes.
func (s *Stage) Buckets() int {
	if s.Exchange != nil {
		return s.Exchange.Buckets
	}
	return 1
}

// Program is a graph cut into stages. It is a pure function of the graph, so driver and workers, which build the same graph,
// number the same stages in the same way; Digest lets them make sure.
type Program struct {
	Stages  []*Stage
	Outputs []int  // the stage of each output, in the order given to Compile
	Digest  string // of everything that must agree between driver and worker

	kept map[*Node]int     // nodes whose rows are read from a stage's blocks
	sent map[*Exchange]int // exchanges and the stage that writes them
}

// Compile cuts the graph above outputs into stages. A stage ends where rows are exchanged, cached, used by more than one step,
// or given out. All mistakes made while the graph was built come back together, each a *BuildError.
func Compile(outputs ...*Node) (*Program, error) {
	p := &Program{kept: map[*Node]int{}, sent: map[*Exchange]int{}}
	c := &cutter{p: p, uses: map[*Node]int{}, outputs: map[*Node]bool{}}
	for _, o := range outputs {
		c.outputs[o] = true
	}
	for _, o := range outputs {
		c.count(o)
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	for _, o := range outputs {
		p.Outputs = append(p.Outputs, c.keep(o))
	}
	p.digest()
	return p, nil
}

type cutter struct {
	p       *Program
	uses    map[*Node]int // how many steps read a node
	outputs map[*Node]bool
	errs    []error
}

// count walks the graph once, parents first, counts uses and collects mistakes.
func (c *cutter) count(n *Node) {
	c.uses[n]++
	if c.uses[n] > 1 {
		return
	}
	for _, d := range n.Deps {
		c.count(d.Node)
	}
	if n.exchange != nil {
		c.count(n.exchange.Parent)
	}
	for _, err := range n.errs {
		if n.exchange != nil && reported(err, n.Parents()) {
			continue
		}
		c.errs = append(c.errs, &BuildError{At: n.At, Kind: n.Kind, Err: err})
	}
}

// keep returns the stage whose blocks hold the node's rows, one bucket a partition.
func (c *cutter) keep(n *Node) int {
	if id, ok := c.p.kept[n]; ok {
		return id
	}
	id := c.stage(n, nil)
	c.p.kept[n] = id
	return id
}

// stage adds the stages above n and then one that computes n.
func (c *cutter) stage(n *Node, x *Exchange) int {
	parents := map[int]bool{}
	s := &Stage{Node: n, Exchange: x, Parts: n.Parts}
	c.inputs(n, s, parents, true)
	s.ID = len(c.p.Stages)
	for id := range s.ID {
		if parents[id] {
			s.Parents = append(s.Parents, id)
		}
	}
	c.p.Stages = append(c.p.Stages, s)
	return s.ID
}

// inputs collects the stages that a stage which computes n reads. top: n itself is what the stage computes.
func (c *cutter) inputs(n *Node, s *Stage, parents map[int]bool, top bool) {
	if !top && c.boundary(n) {
		parents[c.keep(n)] = true
		return
	}
	s.Nodes = append(s.Nodes, n)
	if x := n.exchange; x != nil {
		id, ok := c.p.sent[x]
		if !ok {
			id = c.stageOf(x)
			c.p.sent[x] = id
		}
		parents[id] = true
		return
	}
	for _, d := range n.Deps {
		c.inputs(d.Node, s, parents, false)
	}
}

// stageOf adds the stage that writes an exchange.
func (c *cutter) stageOf(x *Exchange) int {
	if c.boundary(x.Parent) {
		c.keep(x.Parent) // first, so that the writing stage reads its blocks
		return c.relay(x)
	}
	return c.stage(x.Parent, x)
}

// relay adds a stage that only reads kept blocks and scatters them.
func (c *cutter) relay(x *Exchange) int {
	from := c.p.kept[x.Parent]
	s := &Stage{ID: len(c.p.Stages), Node: x.Parent, Exchange: x, Parts: x.Parent.Parts, Parents: []int{from}}
	c.p.Stages = append(c.p.Stages, s)
	return s.ID
}

// boundary tells whether a node's rows are kept as blocks rather than fused into what reads them: so a stream that is used
// twice is computed once. What an exchange delivers stands in blocks already.
func (c *cutter) boundary(n *Node) bool {
	return n.Keep || c.outputs[n] || c.uses[n] > 1 && n.exchange == nil
}
