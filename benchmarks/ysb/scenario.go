package ysb

import (
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
)

// Options of the scenario. The zero value is the one whose figures the README has.
type Options struct {
	Events  int           // default 4,194,304
	Batch   int           // events of a batch; default 1,048,576
	Pairs   int           // default 5
	Spacing time.Duration // default 0.1 ms
	Input   string        // "rows", "ndjson"; default both, one after the other
}

func (o Options) withDefaults() (Options, error) {
	if o.Events == 0 {
		o.Events = 1 << 22
	}
	if o.Batch == 0 {
		o.Batch = 1 << 20
	}
	if o.Pairs == 0 {
		o.Pairs = 5
	}
	if o.Events < 1 || o.Batch < 1 || o.Pairs < 1 || o.Spacing < 0 {
		return o, fmt.Errorf("%d events in batches of %d, %d pairs, %v apart: want positive numbers", o.Events, o.Batch, o.Pairs, o.Spacing)
	}
	if o.Input != "" && o.Input != "rows" && o.Input != "ndjson" {
		return o, fmt.Errorf("input %q: there are rows and ndjson", o.Input)
	}
	return o, nil
}

// Scenario measures the job over rows and over NDJSON in memory, against the bare loop, and prints what it found. It is an error
// if a result is wrong, and then no time of it is printed.
func Scenario(w io.Writer, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	if o.Input != "ndjson" {
		if err := overRows(w, o); err != nil {
			return fmt.Errorf("rows in memory: %w", err)
		}
	}
	if o.Input != "rows" {
		if err := overLines(w, o); err != nil {
			return fmt.Errorf("NDJSON in memory: %w", err)
		}
	}
	return nil
}

func overRows(w io.Writer, o Options) error {
	l, err := Make(Shape{Events: o.Events, Spacing: o.Spacing, Rows: true})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nRows in memory: %d of {36-byte string, string, time.Time}, %v apart, %d a batch\n", o.Events, l.Shape.Spacing, o.Batch)
	source := func(splits int) (*Source, error) { return Rows(l, o.Batch, splits), nil }
	bare := NewBare(l.Campaigns)
	steps := contestant{"the job's steps by hand", byHand(func() []Views { return BySteps(l.Campaigns, l.Rows) })}
	return compare(w, o, l, contestant{"the bare loop", byHand(func() []Views { return bare.Rows(l.Rows) })}, source, steps)
}

func overLines(w io.Writer, o Options) error {
	l, err := Make(Shape{Events: o.Events, Spacing: o.Spacing, NDJSON: true})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nNDJSON in memory: %d events, %d bytes each, %v apart, about %d a batch\n", o.Events, len(l.NDJSON)/o.Events, l.Shape.Spacing, o.Batch)
	source := func(splits int) (*Source, error) { return Lines(l, o.Batch, splits) }
	bare := NewBare(l.Campaigns)
	return compare(w, o, l, contestant{"the bare loop", byHand(func() []Views { return bare.NDJSON(l.NDJSON) })}, source)
}

// compare lets the engine run against the bare loop: its operators alone, then all of it with one and with two tasks at a time.
func compare(w io.Writer, o Options, l *Load, bare contestant, source func(splits int) (*Source, error), others ...contestant) error {
	alone := contestant{"operators alone", func() ([]Views, measure.Cost, error) {
		s, err := source(1)
		if err != nil {
			return nil, measure.Cost{}, err
		}
		return taken(Alone(l, s))
	}}
	others = append(others, alone)
	for _, p := range []int{1, 2} {
		others = append(others, contestant{fmt.Sprintf("the engine, parallelism %d", p), func() ([]Views, measure.Cost, error) {
			s, err := source(p)
			if err != nil {
				return nil, measure.Cost{}, err
			}
			return taken(Run(l, s, Engine{Parallelism: p}))
		}})
	}
	return contest(w, l.Want(), o.Events, o.Pairs, bare, others)
}

func taken(r *Result, err error) ([]Views, measure.Cost, error) {
	if err != nil {
		return nil, measure.Cost{}, err
	}
	return r.Views, r.Cost, nil
}

func byHand(job func() []Views) func() ([]Views, measure.Cost, error) {
	return func() (out []Views, c measure.Cost, err error) {
		c, err = measure.Of(func() error { out = job(); return nil })
		return out, c, err
	}
}
