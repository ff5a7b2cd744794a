package rdd

import (
	"fmt"
	"runtime/debug"
)

// Run computes one partition of a stage and gives its rows to the task's Blocks. A panic, of a user's function or our own,
// comes back as a *PanicError.
func (p *Program) Run(t *Task, stage int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Value: r, Stack: string(debug.Stack())}
		}
	}()
	s := p.Stages[stage]
	in := p.seq(t, s, s.Node, t.ID.Partition, true)
	if s.Exchange != nil {
		return s.Exchange.scatter(t, t.ID.Partition, in)
	}
	for c, err := range in {
		if err != nil {
			return err
		}
		t.Counts.Out += int64(c.Len())
		if err := t.append(0, c.Keep()); err != nil {
			return err
		}
	}
	return t.Context.Err()
}

// seq yields the chunks of partition part of n within stage s.
func (p *Program) seq(t *Task, s *Stage, n *Node, part int, top bool) Seq {
	if id, ok := p.kept[n]; ok && (!top || id != s.ID) {
		return received(t, Block{t.ID.Program, id, part, 0}, n.Shape)
	}
	if n.exchange != nil {
		return p.gathered(t, p.sent[n.exchange], part, n.Shape)
	}
	in := make([]Seq, len(n.Deps))
	for i, d := range n.Deps {
		if q, ok := d.partition(part); ok {
			in[i] = p.seq(t, s, d.Node, q, false)
		}
	}
	return n.compute(t, part, in)
}

// gathered yields a bucket of every partition of a stage, in map order.
func (p *Program) gathered(t *Task, stage, bucket int, shape *Shape) Seq {
	return func(yield func(Chunk, error) bool) {
		for m := range p.Stages[stage].Parts {
			for c, err := range received(t, Block{t.ID.Program, stage, m, bucket}, shape) {
				if !yield(c, err) || err != nil {
					return
				}
			}
		}
	}
}

// received yields a block and counts what came.
func received(t *Task, b Block, shape *Shape) Seq {
	return func(yield func(Chunk, error) bool) {
		rows := int64(0)
		for c, err := range t.Blocks.Read(t, b, shape) {
			if err == nil {
				rows += int64(c.Len())
				if err = t.Context.Err(); err != nil {
					c = nil
				}
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
		t.Counts.In += rows
		t.Counts.received(b, rows)
	}
}

// FromBlocks makes a dataset of the blocks that a stage of the batch's own program keeps: the input of a ForEach body.
func FromBlocks[K, V any](kind string, stage, parts int) *Node {
	n := newNode[K, V](kind)
	n.Parts = parts
	n.compute = func(t *Task, p int, _ []Seq) Seq { return received(t, Block{0, stage, p, 0}, n.Shape) }
	return n
}

// PanicError is a panic inside a task, with its stack. It fails the task and nothing else.
type PanicError struct {
	Value any
	Stack string
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("panic: %v\n%s", e.Value, UserFrames(e.Stack))
}
