package dstream

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Place is where a graph's connectors are opened: the folder for what they keep, and how references to secrets in URLs
// (`${env:NAME}`) become values. A nil Resolve leaves them as they are. Sources and Sinks replace endpoints, by name: for tests.
type Place struct {
	Job         string // its name, for endpoints
	Scratch     string
	Resolve     func(string) (string, error)
	DeadLetters string    // URL of the sink for bad records; empty = none
	Out         io.Writer // where sinks print that print; nil = standard output
	Look        bool      // as in Endpoint; Examine sets it
	Sources     map[string]Connector
	Sinks       map[string]RecordSink
	// Journal returns the log of a source, by its name, for those that receive. nil: they keep it in Scratch.
	Journal func(source string) Journal
}

// Open opens the connectors of the graph's sources and sinks. Close them also after an error.
func (g *Graph) Open(p Place) error {
	p.Job = g.Name
	var errs []error
	for _, in := range g.job.inputs {
		if c, ok := p.Sources[in.name]; ok {
			in.conn = c
			continue
		}
		if err := in.openAt(p); err != nil {
			errs = append(errs, fmt.Errorf("%s: source %q: %w", in.at, in.name, err))
		}
	}
	for _, o := range g.job.outputs {
		if err := o.openAt(p); err != nil {
			errs = append(errs, fmt.Errorf("%s: sink %q: %w", o.at, o.name, err))
		}
	}
	return errors.Join(errs...)
}

func (in *input) openAt(p Place) error {
	e, err := p.endpoint(in.name, in.url, in.rows)
	if err != nil {
		return err
	}
	if p.Journal != nil {
		e.Journal = p.Journal(in.name)
	}
	conn, err := in.open(e)
	if err != nil {
		return err // and not conn, which may be a nil pointer in an interface: Close would call it
	}
	in.conn = conn
	return nil
}

func (o *output) openAt(p Place) error {
	if s, ok := p.Sinks[o.name]; ok {
		o.w = replaced{o, s}
		return nil
	}
	e, err := p.endpoint(o.name, o.url, o.rows)
	if err != nil {
		return err
	}
	w, err := o.open(e)
	if err != nil {
		return err
	}
	o.w = w
	return nil
}

func (p Place) endpoint(name, raw string, rows *codec.Codec) (Endpoint, error) {
	if p.Resolve != nil && raw != "" {
		var err error
		if raw, err = p.Resolve(raw); err != nil {
			return Endpoint{}, err
		}
	}
	e, err := endpoint(name, raw, p.Scratch, rows)
	e.Job, e.Out, e.Look = p.Job, p.Out, p.Look
	return e, err
}

// replaced writes the columns of rows whose type is not known here to a sink of a test.
type replaced struct {
	o *output
	s RecordSink
}

func (r replaced) sink() any { return r.s }

func (r replaced) write(ctx context.Context, id WriteID, rows rdd.Seq) (Receipt, error) {
	return r.s.Write(ctx, id, func(yield func(Output, error) bool) {
		for c, err := range rows {
			out := Output{}
			if err == nil {
				out, err = r.o.output(c)
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	})
}

// Close closes what Open opened.
func (g *Graph) Close() error {
	var errs []error
	for _, in := range g.job.inputs {
		if in.conn != nil {
			errs = append(errs, closeOf(in.conn))
		}
	}
	for _, o := range g.job.outputs {
		if o.w != nil {
			errs = append(errs, closeOf(o.w.sink()))
		}
	}
	return errors.Join(errs...)
}

// Own lists the sources and sinks that the job makes in code, by Read and Write.
func (g *Graph) Own() (sources, sinks map[string]bool) {
	sources, sinks = map[string]bool{}, map[string]bool{}
	for _, in := range g.job.inputs {
		if in.own {
			sources[in.name] = true
		}
	}
	for _, o := range g.job.outputs {
		if o.kind == "Write" {
			sinks[o.name] = true
		}
	}
	return sources, sinks
}

// SourceRef is a source of an opened graph, for the planner.
type SourceRef struct {
	Name, At string
	in       *input
}

// Sources lists the sources in the order of the job.
func (g *Graph) Sources() []SourceRef {
	var out []SourceRef
	for _, in := range g.job.inputs {
		out = append(out, SourceRef{in.name, in.at, in})
	}
	return out
}

// Plan asks the source what comes next.
func (s SourceRef) Plan(ctx context.Context, from Offsets, limit Limit) (Range, error) {
	r, err := s.in.conn.Plan(ctx, from, limit)
	if err != nil {
		return r, fmt.Errorf("source %q: %w", s.Name, err)
	}
	return r, nil
}

// Committed tells the source that everything up to an offset is part of committed batches.
func (s SourceRef) Committed(ctx context.Context, upTo Offsets) error {
	if w, ok := optional[Watched](s.in.conn); ok {
		return w.Committed(ctx, upTo)
	}
	return nil
}

// Places are the hosts on which a split is cheap to read, best first.
func (s SourceRef) Places(split Split) []string {
	if p, ok := optional[Placed](s.in.conn); ok {
		return p.Places(split)
	}
	return nil
}

// TableRef is a table of a graph.
type TableRef struct {
	Name, At string
	t        *table
}

// Tables lists the tables in the order of the job.
func (g *Graph) Tables() []TableRef {
	var out []TableRef
	for _, t := range g.job.tables {
		out = append(out, TableRef{t.name, t.at, t})
	}
	return out
}

// Freeze reads the whole table.
func (t TableRef) Freeze(ctx context.Context, p Place) ([]arrow.Record, error) {
	c, ok := p.Sources[t.Name]
	if !ok {
		var err error
		if c, err = t.open(p); err != nil {
			return nil, fmt.Errorf("%s: table %q: %w", t.At, t.Name, err)
		}
		defer closeOf(c)
	}
	recs, err := t.t.freeze(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: table %q: %w", t.At, t.Name, err)
	}
	return recs, nil
}

func (t TableRef) open(p Place) (Connector, error) {
	e, err := p.endpoint(t.Name, t.t.url, t.t.rows)
	if err != nil {
		return nil, err
	}
	open, err := opener(sources, "table", e.URL.Scheme)
	if err != nil {
		return nil, err
	}
	return open(e)
}

// Index makes of frozen rows what Lookup reads; Env.Table returns it.
func (t TableRef) Index(recs []arrow.Record) (any, error) { return t.t.index(recs) }

// Write writes the rows of sink i.
func (b *Batch) Write(ctx context.Context, i int, id WriteID, rows rdd.Seq) (Receipt, error) {
	return b.g.job.outputs[i].w.write(ctx, id, rows)
}

// Finishes tells whether any sink has a last step on the driver.
func (b *Batch) Finishes() bool {
	for _, o := range b.g.job.outputs {
		if _, ok := optional[Finisher](o.w.sink()); ok {
			return true
		}
	}
	return false
}

// Finish runs the last step of sink i on the driver, if it has one.
func (b *Batch) Finish(ctx context.Context, i int, id WriteID, receipts []Receipt) error {
	if f, ok := optional[Finisher](b.g.job.outputs[i].w.sink()); ok {
		return f.Finish(ctx, id, receipts)
	}
	return nil
}

// Start lets sink i look around before the first batch of a run, if it wants to.
func (g *Graph) Start(ctx context.Context, i int, id WriteID) error {
	if s, ok := optional[Starter](g.job.outputs[i].w.sink()); ok {
		return s.Start(ctx, id)
	}
	return nil
}

// Guarantee is what sink i promises.
func (g *Graph) Guarantee(i int) Guarantee {
	if s, ok := optional[Guaranteed](g.job.outputs[i].w.sink()); ok {
		return s.Guarantee()
	}
	return AtLeastOnce
}

// Sinks lists the names of the job's sinks.
func (g *Graph) Sinks() []string {
	var out []string
	for _, o := range g.job.outputs {
		out = append(out, o.name)
	}
	return out
}

// OpenDeadLetters opens the sink for bad records; nil if the job has none.
func (p Place) OpenDeadLetters() (RecordSink, error) {
	if s, ok := p.Sinks[DeadLetters]; ok {
		return s, nil
	}
	if p.DeadLetters == "" {
		return nil, nil
	}
	rows, err := codec.Of[DeadLetter]()
	if err != nil {
		return nil, err
	}
	e, err := p.endpoint(DeadLetters, p.DeadLetters, rows)
	if err != nil {
		return nil, fmt.Errorf("dead_letters: %w", err)
	}
	open, err := opener(sinks, "sink", e.URL.Scheme)
	if err != nil {
		return nil, fmt.Errorf("dead_letters: %w", err)
	}
	return open(e)
}

// DeadLetters is the name that the sink for bad records goes by.
const DeadLetters = "dead_letters"
