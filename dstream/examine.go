package dstream

import (
	"context"
	"errors"
	"sync"
)

// Examination is what was found out about one endpoint of a job.
type Examination struct {
	Kind, Name string // "source", "table", "sink" or "dead letters"
	At         string // file and line of the job that use it; empty for the dead letters
	Findings   []Finding
}

// Examine looks at the endpoints of a graph that is not open, all at the same time: whether they open, and what connectors that are
// Examined find out. It changes nothing. The order is that of the job: sources, tables, sinks.
func (g *Graph) Examine(ctx context.Context, p Place) []Examination {
	p.Job, p.Look = g.Name, true
	var out []Examination
	var open []func() (any, error)
	add := func(kind, name, at string, o func() (any, error)) {
		out, open = append(out, Examination{Kind: kind, Name: name, At: at}), append(open, o)
	}
	for _, in := range g.job.inputs {
		add("source", in.name, in.at, func() (any, error) {
			e, err := p.endpoint(in.name, in.url, in.rows)
			if err != nil {
				return nil, err
			}
			return in.open(e)
		})
	}
	for _, t := range g.job.tables {
		add("table", t.name, t.at, func() (any, error) { return TableRef{t.name, t.at, t}.open(p) })
	}
	for _, o := range g.job.outputs {
		add("sink", o.name, o.at, func() (any, error) {
			e, err := p.endpoint(o.name, o.url, o.rows)
			if err != nil {
				return nil, err
			}
			w, err := o.open(e)
			if err != nil {
				return nil, err
			}
			return w.sink(), nil
		})
	}
	if p.DeadLetters != "" {
		add("dead letters", DeadLetters, "", func() (any, error) { return p.OpenDeadLetters() })
	}
	var all sync.WaitGroup
	for i := range out {
		all.Go(func() { out[i].Findings = examined(ctx, open[i]) })
	}
	all.Wait()
	return out
}

// examined opens an endpoint and asks it.
func examined(ctx context.Context, open func() (any, error)) []Finding {
	v, err := open()
	if err != nil {
		return []Finding{{Severity: Broken, Subject: "open", Text: err.Error()}}
	}
	var out []Finding
	if e, ok := optional[Examined](v); ok {
		out = e.Examine(ctx)
	}
	if err := closeOf(v); err != nil && !errors.Is(err, context.Canceled) {
		out = append(out, Finding{Severity: Doubtful, Subject: "close", Text: err.Error()})
	}
	if len(out) == 0 {
		out = []Finding{{Subject: "open", Text: "opens; nothing more is known to look at"}}
	}
	return out
}
