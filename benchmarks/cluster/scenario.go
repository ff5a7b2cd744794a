package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/servicetest"
)

// Options of the scenario. The zero value is the one whose figures the README has.
type Options struct {
	What       string        // of empty, interval, recovery and scale, separated by commas; all if empty
	Batches    int           // of empty; default 2,000
	Interval   time.Duration // of interval; default 10 ms
	For        time.Duration // of interval, of each phase of scale, and of batches in Cassandra; default 60 s
	Rate       int           // rows a second; default 10,000
	Keys       int           // of state in recovery and scale; default 1,000,000
	Kills      int           // default 20
	Seed       uint64        // decides moments and victims; default 1
	Checkpoint string        // "directory", the default, or "cassandra"
	Dir        string        // for everything that is written; default: a temporary directory
	Bin        string        // folder with the binaries driver and executor; they are built if it is empty
}

// part is one thing that can be measured.
type part struct {
	name string
	run  func(context.Context, io.Writer, Options) error
}

// parts are in the order in which they run.
var parts = []part{{"empty", empty}, {"interval", held}, {"recovery", recovery}, {"scale", scale}}

// chosen are the parts that What names.
func (o Options) chosen() (out []part, err error) {
	if o.What == "" {
		return parts, nil
	}
	for name := range strings.SplitSeq(o.What, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("nothing is named %q: want some of empty, interval, recovery and scale", name)
		}
		out = append(out, parts[i])
	}
	return out, nil
}

func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		value *int
		is    int
	}{{&o.Batches, 2000}, {&o.Rate, 10_000}, {&o.Keys, 1_000_000}, {&o.Kills, 20}} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	for _, d := range []struct {
		value *time.Duration
		is    time.Duration
	}{{&o.Interval, 10 * time.Millisecond}, {&o.For, time.Minute}} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Batches < 20 || o.Rate < 1 || o.Keys < 1 || o.Kills < 1 || o.Interval < time.Millisecond || o.For < time.Second {
		return o, fmt.Errorf("%d batches, %d rows/s, %d keys, %d kills, a batch every %v, for %v: want 20 batches, 1 ms and 1 s at least, and positive numbers",
			o.Batches, o.Rate, o.Keys, o.Kills, o.Interval, o.For)
	}
	if o.Checkpoint == "" {
		o.Checkpoint = "directory"
	}
	if o.Checkpoint != "directory" && o.Checkpoint != "cassandra" {
		return o, fmt.Errorf("checkpoint %q: want directory or cassandra", o.Checkpoint)
	}
	_, err := o.chosen()
	return o, err
}

// Scenario prints the figures. It is an error if a result is wrong; whether a figure is what was asked for depends on the machine and is only
// told.
func Scenario(ctx context.Context, w io.Writer, o Options) (err error) {
	if o, err = o.withDefaults(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Dir, "cluster-")
	if err != nil {
		return err
	}
	o.Dir = dir
	defer func() {
		if err != nil {
			fmt.Fprintf(w, "what was left is in %s\n", dir)
			return
		}
		err = os.RemoveAll(dir)
	}()
	if o, err = o.build(ctx); err != nil {
		return err
	}
	if o.Checkpoint == "cassandra" {
		if err = floor(ctx, w, o); errors.Is(err, servicetest.ErrMissing) {
			fmt.Fprintf(w, "not measured: %v\n", err)
			err = nil
		}
		return err
	}
	what, err := o.chosen()
	for _, p := range what {
		if err = p.run(ctx, w, o); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return err
}
