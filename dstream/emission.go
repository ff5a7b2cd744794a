package dstream

import (
	"github.com/tidemill/tidemill/rdd"
)

// batchTime is the time of rows that have none of their own: just before the batch's time, since a batch at t holds what came in
// (t − interval, t] and windows are [start, end).
func (e *Env) batchTime() int64 { return e.Plan.Time.UnixMicro() - 1 }

// mergePanes is the stateful half of a windowed step.
func mergePanes[K comparable, V, A, R any](sent *rdd.Node, kind string, w Windowed[K, V], step *stateful, f rdd.Fold[V, A], finish func(K, Window, A) R) *rdd.Node {
	n := rdd.Custom[K, Pane[R]](kind, sent.Parts, []*rdd.Node{sent}, func(t *rdd.Task, part int, in []rdd.Seq) rdd.Seq {
		return func(yield func(rdd.Chunk, error) bool) {
			env := envOf(t)
			held, err := env.State(step.name, part)
			if err != nil {
				yield(nil, err)
				return
			}
			m := &paneMerger[K, A]{
				at: &w.panes, emit: w.emit, fold: f.Merge, state: held.(*paneState[K, A]), over: newPaneOverlay[K, A](),
				prev: env.Prev[step.name], mark: env.Marks[step.name], judge: step.judge(env),
			}
			if err := m.addAll(in[0]); err != nil {
				yield(nil, err)
				return
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

func (m *paneMerger[K, A]) addAll(in rdd.Seq) error {
	for chunk, err := range in {
		if err != nil {
			return err
		}
		m.add(chunk.(*rdd.Rows[K, rdd.Partial[A]]))
	}
	return m.over.settle()
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
	note := func(pane, behind, upTo int64) { // windows with an end in (behind, upTo]
		for end := m.at.after(pane, behind); end <= min(m.at.last(pane), upTo); end += m.at.slide {
			ends[end] = true
		}
	}
	closed := m.judge - m.at.lateness // windows that end up to here take no rows any more
	for _, pane := range m.state.starts(m.over) {
		_, touched := m.over.touched[pane]
		switch {
		case m.emit == OnClose:
			note(pane, m.prev, m.mark)
			if touched {
				note(pane, closed, m.prev)
			}
		case touched:
			note(pane, closed, MaxTime)
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
	out, more := &rdd.Rows[K, Pane[R]]{}, true
	for _, end := range m.ends() {
		w := Window{timeOf(end - m.at.length), timeOf(end)}
		m.window(end, func(key K, a A) {
			if !more {
				return
			}
			out.Vals = append(out.Vals, Pane[R]{w.Start, w.End, finish(key, w, a)})
			out.Keys, out.Times = append(out.Keys, key), append(out.Times, end-1)
			if out.Len() == full {
				more = yield(out, nil)
				out.Keys, out.Vals, out.Times = out.Keys[:0], out.Vals[:0], out.Times[:0]
			}
		})
		if !more {
			return false
		}
	}
	return out.Len() == 0 || yield(out, nil)
}

// window visits the keys of a window whose results are due, each with an accumulator of its own: merged of its panes in order of time.
// A window that closes gives all its keys, one that changes those that changed.
func (m *paneMerger[K, A]) window(end int64, visit func(K, A)) {
	over := m.over
	if !m.open(end) {
		over = nil // rows of this batch came too late for this window, though not for a later one of the same pane
	}
	g := rdd.NewGroups[K, A]()
	switch closing := m.prev < end && end <= m.mark; {
	case m.emit == OnChange || !closing:
		m.changed(g, over, end)
	case m.at.size == m.at.length:
		m.state.view(over, end-m.at.length).each(func(key K, a *A, _ int64) bool {
			visit(key, m.state.copy(a))
			return true
		})
	default:
		for pane := end - m.at.length; pane < end; pane += m.at.size {
			v := m.state.view(over, pane)
			m.merge(g, v.base.Keys(), v.committed)
			m.merge(g, v.fresh, v.added)
		}
	}
	for id, key := range g.Keys() {
		visit(key, g.Accs()[id])
	}
}

// changed merges the keys of a window that the batch touched.
func (m *paneMerger[K, A]) changed(g rdd.Groups[K, A], over *paneOverlay[K, A], end int64) {
	touched := rdd.NewGroups[K, struct{}]()
	for pane := end - m.at.length; pane < end; pane += m.at.size {
		if p := over.touched[pane]; p != nil {
			touched.IDs(p.Keys(), p.Len())
		}
	}
	var keys []K
	var accs []*A
	for pane := end - m.at.length; pane < end; pane += m.at.size {
		v := m.state.view(over, pane)
		keys, accs = keys[:0], accs[:0]
		for _, key := range touched.Keys() {
			if a := v.find(key); a != nil {
				keys, accs = append(keys, key), append(accs, a)
			}
		}
		m.merge(g, keys, func(i int) *A { return accs[i] })
	}
}

// merge takes the accumulators of distinct keys into a window. The first of a key is copied, not merged into an empty one: what comes
// out must share nothing with the state, whatever the user's merge does.
func (m *paneMerger[K, A]) merge(g rdd.Groups[K, A], keys []K, acc func(i int) *A) {
	known := int32(g.Len())
	for i, id := range g.IDs(keys, len(keys)) {
		if a := acc(i); id >= known {
			g.Accs()[id] = m.state.copy(a)
		} else {
			m.fold(&g.Accs()[id], *a)
		}
	}
}
