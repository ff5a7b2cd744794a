package dstream

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidemill/tidemill/rdd"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// batchTime is the time of rows that have none of their own: just before the batch's time, since a batch at t holds what came in
// (t − interval, t] and windows are [start, end).
func (e *Env) batchTime() int64 { return e.Plan.Time.UnixMicro() - 1 }

func (e *Env) time(times []int64, i int) int64 {
	if times == nil {
		return e.batchTime()
	}
	return times[i]
}

// mergePanes is the stateful half of a windowed step.
func mergePanes[K comparable, V, A, R any](sent *rdd.Node, kind string, w Windowed[K, V], step *stateful, f rdd.Fold[V, A], finish func(K, Window, A) R) *rdd.Node {
	n := rdd.Custom[K, Pane[R]](kind, sent.Parts, []*rdd.Node{sent}, func(t *rdd.Task, part int, in []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			env := envOf(t)
			held, err := env.State(step.name, part, newPaneState[K, A])
			if err != nil {
				yield(nil, err)
				return
			}
			m := &paneMerger[K, A]{
				at: &w.panes, emit: w.emit, fold: f.Merge, state: held.(*paneState[K, A]), prev: env.Prev[step.name], mark: env.Marks[step.name], judge: step.judge(env),
				over: &paneOverlay[K, A]{touched: map[int64]rdd.Groups[K, A]{}},
			}
			for chunk, err := range in[0] {
				if err != nil {
					yield(nil, err)
					return
				}
				m.add(chunk.(*rdd.Rows[K, rdd.Partial[A]]))
			}
			t.Counts.Fold(step.name, m.rows)
			if !windows(m, t.ChunkRows, finish, yield) {
				return
			}
			m.drop()
			env.overlay(step.name, m.over)
		}
	})
	n.State = step.name
	return n
}

// paneMerger is one batch of one partition of a windowed step.
type paneMerger[K comparable, A any] struct {
	at         *panes
	emit       EmitMode
	fold       func(*A, A)
	state      *paneState[K, A]
	over       *paneOverlay[K, A]
	prev, mark int64 // watermarks of the batch before and of this one
	judge      int64 // what rows are late against: windows behind it take no rows of this batch
	rows       rdd.Folded
}

// add merges partials, and counts as late those for which every window is closed.
func (m *paneMerger[K, A]) add(rows *rdd.Rows[K, rdd.Partial[A]]) {
	runs(rows.Times, func(from, to int) {
		total := int64(0)
		for _, p := range rows.Vals[from:to] {
			total += p.Rows
		}
		m.rows.Rows += total
		if m.at.late(rows.Times[from], m.judge) {
			m.rows.Late += total
			return
		}
		m.rows.Accepted += total
		m.state.fold(m.over, m.fold, rows.Times[from], keys(rows.Keys, from, to), rows.Vals[from:to])
	})
}

// ends returns the ends of the windows whose results come out in this batch, in order.
func (m *paneMerger[K, A]) ends() []int64 {
	ends := map[int64]bool{}
	for _, pane := range m.state.starts(m.over) {
		_, touched := m.over.touched[pane]
		for end := m.at.first(pane); end <= m.at.last(pane); end += m.at.slide {
			changed := touched && m.open(end)
			closing := m.prev < end && end <= m.mark
			if m.emit == OnChange && changed || m.emit == OnClose && (closing || changed && end <= m.prev) {
				ends[end] = true
			}
		}
	}
	return sortedKeys(ends)
}

// open tells whether the window that ends there takes rows of this batch.
func (m *paneMerger[K, A]) open(end int64) bool { return end+m.at.lateness > m.judge }

// drop lists the panes that no window needs any more.
func (m *paneMerger[K, A]) drop() {
	for _, pane := range m.state.starts(m.over) {
		if m.at.late(pane, m.mark) {
			m.over.dropped = append(m.over.dropped, pane)
		}
	}
}

// windows gives out the results that are due, window by window, and tells whether the consumer wants to go on.
func windows[K comparable, A, R any](m *paneMerger[K, A], full int, finish func(K, Window, A) R, yield func(rdd.Chunk, error) bool) bool {
	out := &rdd.Rows[K, Pane[R]]{}
	for _, end := range m.ends() {
		g := m.window(end)
		w := Window{timeOf(end - m.at.length), timeOf(end)}
		for id := range g.Len() {
			key := g.Key(id)
			out.Vals = append(out.Vals, Pane[R]{w.Start, w.End, finish(key, w, g.Accs()[id])})
			out.Keys, out.Times = append(out.Keys, key), append(out.Times, end-1)
			if out.Len() == full {
				if !yield(out, nil) {
					return false
				}
				out.Keys, out.Vals, out.Times = out.Keys[:0], out.Vals[:0], out.Times[:0]
			}
		}
	}
	return out.Len() == 0 || yield(out, nil)
}

// window merges the panes of a window, in order of time, into accumulators of its own.
func (m *paneMerger[K, A]) window(end int64) rdd.Groups[K, A] {
	g := rdd.NewGroups[K, A]()
	flat, over := isFlat[A](), m.over
	if !m.open(end) {
		over = nil // rows of this batch came too late for this window, though not for a later one of the same pane
	}
	for pane := end - m.at.length; pane < end; pane += m.at.size {
		first := pane == end-m.at.length && m.at.size == m.at.length
		m.state.each(over, pane, func(key K, a *A, rows int64) {
			id := g.IDs([]K{key}, 1)[0]
			if first && flat {
				g.Accs()[id] = *a
			} else {
				m.fold(&g.Accs()[id], *a)
			}
			g.Rows()[id] += rows
		})
	}
	return g
}
