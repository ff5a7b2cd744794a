package driver

import (
	"fmt"

	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// The ledger: rows are conserved on every edge, counted by different code on each side. A task's edges are checked when it is done,
// before anything of the batch can be published; the sinks' when their receipts are there.

// check compares the edges that end in a task.
func (b *batch) check(r wire.TaskDone) error {
	for source, c := range r.Splits {
		if e := (report.Edge{Kind: "split", Name: source, Left: c.Fetched, Right: c.Delivered + c.Rejected}); !e.Holds() {
			return &LedgerError{e}
		}
	}
	for step, f := range r.Counts.Folded {
		if e := (report.Edge{Kind: "step", Name: step, Left: f.Rows, Right: f.Accepted + f.Late}); !e.Holds() {
			return &LedgerError{e}
		}
	}
	for block, rows := range r.Counts.Received {
		if sent, known := b.sent(block); known && sent != rows {
			return &LedgerError{report.Edge{Kind: "exchange", Name: b.edgeName(block), Left: sent, Right: rows}}
		}
	}
	return nil
}

// sent is the number of rows that the writer of a block counted.
func (b *batch) sent(block rdd.Block) (int64, bool) {
	w, ok := b.results[place{block.Program, block.Stage, block.Partition}]
	if !ok {
		return 0, false
	}
	if w.Counts.Sent == nil {
		return w.Counts.Out, true
	}
	return w.Counts.Sent[block.Bucket], true
}

func (b *batch) edgeName(block rdd.Block) string {
	name := ""
	if p := b.programs[block.Program]; p != nil {
		name = stageName(p.Stages[block.Stage])
	}
	return fmt.Sprintf("%s, stage %d partition %d → partition %d", name, block.Stage, block.Partition, block.Bucket)
}

// LedgerError is an edge on which rows were lost or doubled: a bug of the engine or of a connector. The batch fails before it is
// published.
type LedgerError struct{ Edge report.Edge }

// Error names the edge and both counts.
func (e *LedgerError) Error() string {
	return fmt.Sprintf("the ledger does not balance: %s %s: %d rows on one side, %d on the other; this is a bug of the engine or of a connector, please report it with this line",
		e.Edge.Kind, e.Edge.Name, e.Edge.Left, e.Edge.Right)
}

// unbalanced returns the first edge that does not hold.
func unbalanced(ledger []report.Edge) error {
	for _, e := range ledger {
		if !e.Holds() {
			return &LedgerError{e}
		}
	}
	return nil
}

// ledger adds the edges of all tasks that count up, for the report.
func (b *batch) ledger() []report.Edge {
	type key struct{ kind, name string }
	sums := map[key]*report.Edge{}
	var order []key
	add := func(kind, name string, left, right int64) {
		k := key{kind, name}
		if sums[k] == nil {
			sums[k] = &report.Edge{Kind: kind, Name: name}
			order = append(order, k)
		}
		sums[k].Left += left
		sums[k].Right += right
	}
	for _, r := range b.counted() {
		for _, source := range sortedKeys(r.Splits) {
			c := r.Splits[source]
			add("split", source, c.Fetched, c.Delivered+c.Rejected)
		}
		for _, step := range sortedKeys(r.Counts.Folded) {
			f := r.Counts.Folded[step]
			add("step", step, f.Rows, f.Accepted+f.Late)
		}
		for block, rows := range r.Counts.Received {
			if sent, known := b.sent(block); known {
				add("exchange", fmt.Sprintf("stage %d → %d", block.Stage, r.Task.Stage), sent, rows)
			}
		}
	}
	for _, s := range b.receipts {
		add("sink", s.Sink, s.Offered, s.Receipt.Rows)
	}
	out := make([]report.Edge, len(order))
	for i, k := range order {
		out[i] = *sums[k]
	}
	return out
}
