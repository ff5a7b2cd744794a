package state

import (
	"fmt"
	"time"
)

// Options of the scenarios. The zero value is the one whose figures the README has.
type Options struct {
	Keys       int           // held; default 1,000,000
	Touched    int           // by a batch; default 50,000
	Batches    int           // of a run; default 100
	Partitions int           // default 2, as many as run at a time
	Interval   time.Duration // from the start of a batch to that of the next; default 100 ms; negative = none, they follow each other
	Pairs      int           // runs with and without snapshots, in turn; default 5
	Dir        string        // where state is written; a temporary directory if empty
}

func (o Options) withDefaults() (Options, error) {
	for _, n := range []struct {
		of     *int
		normal int
	}{{&o.Keys, 1_000_000}, {&o.Touched, 50_000}, {&o.Batches, 100}, {&o.Partitions, 2}, {&o.Pairs, 5}} {
		if *n.of == 0 {
			*n.of = n.normal
		}
		if *n.of < 1 {
			return o, fmt.Errorf("%d keys, %d touched in each of %d batches, %d partitions, %d pairs: want positive numbers", o.Keys, o.Touched, o.Batches, o.Partitions, o.Pairs)
		}
	}
	if o.Interval == 0 {
		o.Interval = 100 * time.Millisecond
	}
	return o, nil
}
