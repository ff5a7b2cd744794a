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
	if t.ChunkRows <= 0 {
		t.ChunkRows = DefaultChunkRows
	}
	s := p.Stages[stage]
	in := p.seq(t, s, s.Node, t.ID.Partition, true)
	if s.Exchange != nil {
		err = s.Exchange.scatter(t, t.ID.Partition, in)
	} else {
		err = t.keep(in)
	}
	if err != nil {
		return err
	}
	return t.Context.Err()
}

// keep gives the rows to the task's only bucket.
func (t *Task) keep(in Seq) error {
	for c, err := range in {
		if err != nil {
			return err
		}
		t.Counts.Out += int64(c.Len())
		if err := t.append(0, c.Keep()); err != nil {
			return err
		}
	}
	return nil
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
	if len(in) == 0 {
		return canceled(t, n.compute(t, part, nil))
	}
	return n.compute(t, part, in)
}

// canceled ends a sequence with the context's error once there is one. Everything that a stage reads passes here, so that a
// canceled task ends within a chunk, whatever is fused in it.
func canceled(t *Task, in Seq) Seq {
	return func(yield func(Chunk, error) bool) {
		for c, err := range in {
			if err == nil {
				if err = t.Context.Err(); err != nil {
					c = nil
				}
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
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

// received yields a block and counts what came, once all of it came: a step that stops early leaves nothing to compare.
func received(t *Task, b Block, shape *Shape) Seq {
	return func(yield func(Chunk, error) bool) {
		rows := int64(0)
		for c, err := range canceled(t, t.Blocks.Read(t, b, shape)) {
			if err == nil {
				rows += int64(c.Len())
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
	n.Facts = append(n.Facts, fmt.Sprintf("of stage %d", stage))
	n.compute = func(t *Task, p int, _ []Seq) Seq { return received(t, Block{0, stage, p, 0}, n.Shape) }
	return n
}

// PanicError is a panic inside a task, with its stack. It fails the task and nothing else.
type PanicError struct {
	Value any
	Stack string
}

// Error is the panic and the user's part of its stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("panic: %v\n%s", e.Value, UserFrames(e.Stack))
}

// Unwrap returns the error that was panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
