package dstream

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// output is a sink of a job: where the rows of a stream go.
type output struct {
	name, at    string
	kind        string
	n           *node
	url         string
	rows        *codec.Codec
	open        func(Endpoint) (writer, error)
	w           writer
	repartition func(n *rdd.Node, parts int) *rdd.Node
	byColumns   func(n *rdd.Node, by *rdd.Partitioner, columns []string) *rdd.Node
	output      func(rdd.Chunk) (Output, error) // the columns of a chunk of the stream's rows
}

// writer is a sink with its row type erased.
type writer interface {
	write(ctx context.Context, id WriteID, rows rdd.Seq) (Receipt, error)
	sink() any
}

// WriteTo writes the rows to the sink that is configured under that name: `sinks: {views: "sqlite:views.db?table=views"}`. A row whose
// type has a method Deleted() bool that returns true deletes its primary key.
func (s Stream[T]) WriteTo[_ lazy](name string) {
	j, at := s.n.job, rdd.CallSite()
	to := j.settings.url(j.settings.Sinks, name)
	if to == "" {
		j.fail(at, "WriteTo", notConfigured("sinks", name, j.settings.Sinks))
	}
	addOutput[T](s.n, &output{name: name, at: at, kind: "WriteTo", url: to, open: openRecordSink[T]})
}

// Write writes the rows to a sink that is made in code.
func (s Stream[T]) Write[_ lazy](name string, k Sink[T]) {
	at := rdd.CallSite()
	if k == nil {
		s.n.job.fail(at, "Write", errors.New("no sink given"))
	}
	addOutput[T](s.n, &output{name: name, at: at, kind: "Write", open: func(Endpoint) (writer, error) { return typedWriter[T]{k}, nil }})
}

// Print shows the first n rows of each batch.
func (s Stream[T]) Print[_ lazy](n int) { printNode[T](s.n, n) }

// Printed is a key and a row, as Print shows them.
type Printed[K, V any] struct {
	Key   K
	Value V
}

// Print shows the first n keys and rows of each batch.
func (k Keyed[K, V]) Print[_ lazy](n int) {
	pairs := k.n.job.add("Print", []*node{k.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.KeyedMap(in[0], func(k K, v V) Printed[K, V] { return Printed[K, V]{k, v} })
	})
	printNode[Printed[K, V]](pairs, n)
}

// PrintedPane is a result, as Print shows it.
type PrintedPane[K, V any] struct {
	Window string
	Key    K
	Value  V
}

// Print shows the first n results of each batch.
func (p Panes[K, V]) Print[_ lazy](n int) {
	rows := p.n.job.add("Print", []*node{p.n}, func(_ *cut, in []*rdd.Node) *rdd.Node {
		return rdd.KeyedMap(in[0], func(k K, r Pane[V]) PrintedPane[K, V] {
			const clock = "15:04:05.999"
			return PrintedPane[K, V]{r.Start.UTC().Format(clock) + "–" + r.End.UTC().Format(clock), k, r.Val}
		})
	})
	printNode[PrintedPane[K, V]](rows, n)
}

func printNode[T any](n *node, rows int) {
	j, at := n.job, rdd.CallSite()
	if rows < 1 {
		j.fail(at, "Print", fmt.Errorf("%d rows: it takes at least one", rows))
	}
	count := 1
	for _, o := range j.outputs {
		if o.kind == "Print" {
			count++
		}
	}
	addOutput[T](n, &output{
		name: fmt.Sprintf("print#%d", count), at: at, kind: "Print", url: fmt.Sprintf("console://?rows=%d", rows), open: openRecordSink[T],
	})
}

func addOutput[T any](n *node, o *output) {
	if !n.job.open(o.at, o.kind) {
		return
	}
	o.n = n
	o.rows, _ = codec.Of[T]()
	switch o.name {
	case "":
		n.job.fail(o.at, o.kind, errNoName)
	case DeadLetters:
		n.job.fail(o.at, o.kind, fmt.Errorf("%q is the sink for bad records: choose another name", o.name))
	}
	checked[none, T](n)
	for _, other := range n.job.outputs {
		if other.name == o.name {
			n.job.fail(o.at, o.kind, fmt.Errorf("the sink %q is written at %s already: a sink takes one stream; Union them first", o.name, other.at))
		}
	}
	o.repartition = func(n *rdd.Node, parts int) *rdd.Node { return rdd.Repartition[T](n, parts) }
	o.byColumns = rdd.RepartitionBy[T]
	o.output = outputOf[T]
	n.job.outputs = append(n.job.outputs, o)
}

// outputOf makes columns of rows, without what is not part of them.
func outputOf[T any](c rdd.Chunk) (out Output, err error) {
	rows := c.(*rdd.Rows[none, T]).Vals
	out.Deleted = deleted(rows)
	out.Record, err = (&rdd.Rows[none, T]{Vals: rows}).Record()
	return out, err
}

// partitions bounds the partitions that write a sink: 0 = any number.
func (o *output) partitions() int {
	if l, ok := optional[Limited](o.w.sink()); ok {
		return l.Partitions()
	}
	return 0
}

// key is the columns that decide which partition writes a row; empty = any may.
func (o *output) key() []string {
	if k, ok := optional[OneWriter](o.w.sink()); ok {
		return k.By()
	}
	return nil
}

// of returns the dataset that the sink writes, in no more partitions than it takes, and with one writer a key where the sink asks for
// that. Results are few, so the exchange costs little; that a stream is keyed by the same columns already is not looked for.
func (o *output) of(c *cut) *rdd.Node {
	r, most := c.of(o.n), o.partitions()
	key := o.key()
	switch {
	case r.Parts == 1:
		return r
	case len(key) > 0:
		by := c.by
		if most > 0 && by.Parts > most {
			by = rdd.NewPartitioner(by.Groups, most)
		}
		r = o.byColumns(r, by, key)
	case most > 0 && r.Parts > most:
		r = o.repartition(r, most)
	default:
		return r
	}
	r.At = o.at
	return r
}

func openRecordSink[T any](e Endpoint) (writer, error) {
	open, err := opener(sinks, "sink", e.URL.Scheme)
	if err != nil {
		return nil, err
	}
	s, err := open(e)
	return recordWriter[T]{s}, err
}

// recordWriter writes the columns of T.
type recordWriter[T any] struct{ s RecordSink }

func (w recordWriter[T]) sink() any { return w.s }

func (w recordWriter[T]) write(ctx context.Context, id WriteID, rows rdd.Seq) (Receipt, error) {
	return w.s.Write(ctx, id, func(yield func(Output, error) bool) {
		for c, err := range rows {
			out := Output{}
			if err == nil {
				out, err = outputOf[T](c)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	})
}

// deleted marks the rows that ask for their key to be deleted; nil = none.
func deleted[T any](rows []T) []bool {
	var out []bool
	for i := range rows {
		d, ok := any(&rows[i]).(interface{ Deleted() bool })
		if !ok {
			return nil
		}
		if d.Deleted() {
			if out == nil {
				out = make([]bool, len(rows))
			}
			out[i] = true
		}
	}
	return out
}

// typedWriter writes rows of T.
type typedWriter[T any] struct{ s Sink[T] }

func (w typedWriter[T]) sink() any { return w.s }

func (w typedWriter[T]) write(ctx context.Context, id WriteID, rows rdd.Seq) (Receipt, error) {
	return w.s.Write(ctx, id, iter.Seq2[[]T, error](func(yield func([]T, error) bool) {
		for c, err := range rows {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(c.(*rdd.Rows[none, T]).Vals, nil) {
				return
			}
		}
	}))
}
