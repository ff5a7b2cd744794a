package rdd

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// Kernel turns the rows of in into rows of out, whose columns it owns from one call to the next.
type Kernel[K, V, L, W any] = func(in *Rows[K, V], out *Rows[L, W])

// Narrow makes an operator of a kernel without state.
func Narrow[K, V, L, W any](p *Node, kind string, run Kernel[K, V, L, W]) *Node {
	return Step(p, kind, func(*Task) func(*Rows[K, V], *Rows[L, W]) error {
		return func(in *Rows[K, V], out *Rows[L, W]) error { run(in, out); return nil }
	})
}

// Step makes an operator of a kernel that a task makes for itself, so that it can have state and fail. Chunks without rows are
// not passed on. The one type assertion a chunk stands here.
func Step[K, V, L, W any](p *Node, kind string, kernelOf func(*Task) func(in *Rows[K, V], out *Rows[L, W]) error) *Node {
	n := newNode[L, W](kind, p)
	n.compute = func(t *Task, _ int, in []Seq) Seq {
		return func(yield func(Chunk, error) bool) {
			run, out := kernelOf(t), &Rows[L, W]{}
			for c, err := range in[0] {
				if err == nil {
					err = run(c.(*Rows[K, V]), out)
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if out.Len() > 0 && !yield(out, nil) {
					return
				}
			}
		}
	}
	return n
}

// emitter collects rows one by one into full chunks, for operators whose output is not one chunk for each of input.
type emitter[K, V any] struct {
	out   Rows[K, V]
	rows  int // of a full chunk
	yield func(Chunk, error) bool
	done  bool // the consumer wants no more
}

func (e *emitter[K, V]) flush() bool {
	if e.out.Len() > 0 && !e.done {
		e.done = !e.yield(&e.out, nil)
	}
	e.out.Keys, e.out.Vals, e.out.Times, e.out.Tokens = e.out.Keys[:0], e.out.Vals[:0], e.out.Times[:0], e.out.Tokens[:0]
	return !e.done
}

func (e *emitter[K, V]) full() bool { return e.out.Len() >= e.rows }
