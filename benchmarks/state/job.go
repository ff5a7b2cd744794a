package state

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// step is the name of the state.
const step = "count"

// build is the job: one window, which stays open until the scenario ends it.
func build(job *dstream.Job) {
	job.Source[int64]("keys").
		KeyBy(dstream.Itself).
		Window(dstream.Tumbling(100_000 * time.Hour)).
		Count().Named(step).
		Map(func(key int64, _ dstream.Window, n int64) total { return total{key, n} }).
		WriteTo("totals")
}

type total struct{ Key, N int64 }

// keys is a source of rows. Row n has the key n·scatter mod keys: each run of so many rows has every key once, in no order.
type keys int64

const scatter = 1_000_000_007 // a prime, so that it has no factor in common with the number of keys

func (keys) Plan(context.Context, dstream.Offsets, dstream.Limit) (dstream.Range, error) {
	return dstream.Range{}, nil // nobody asks
}

func (k keys) Read(_ context.Context, s dstream.Split, to *dstream.Reader) (int64, error) {
	for n := s.From; n < s.To; n++ {
		rdd.BlockOf[int64](to.Builder)[0] = n % int64(k) * scatter % int64(k)
		if err := to.Add(); err != nil {
			return 0, err
		}
	}
	return s.To - s.From, nil
}

// totals is a sink that adds up what the window gives when it closes.
type totals struct {
	mu         sync.Mutex
	keys, rows int64
}

func (t *totals) Write(_ context.Context, _ dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (r dstream.Receipt, err error) {
	for out, err := range rows {
		if err != nil {
			return r, err
		}
		c, err := rdd.Decode[rdd.None, total](out.Record)
		if err != nil {
			return r, err
		}
		r.Rows += int64(c.Len())
		t.add(c.(*rdd.Rows[rdd.None, total]).Vals)
	}
	return r, nil
}

func (t *totals) add(rows []total) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keys += int64(len(rows))
	for _, r := range rows {
		t.rows += r.N
	}
}
