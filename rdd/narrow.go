package rdd

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
			var rules ownership[K, V, L, W]
			for c, err := range in[0] {
				if err == nil {
					err = run(c.(*Rows[K, V]), out)
				}
				if err != nil {
					yield(nil, err)
					return
				}
				if out.Len() == 0 {
					continue
				}
				if invariants {
					rules.check(kind, c.(*Rows[K, V]), out)
				}
				if !yield(out, nil) {
					return
				}
				if invariants {
					out.poison(rules.owned &^ out.Sealed)
				}
			}
		}
	}
	return n
}
