package ysb

import (
	"context"
	"iter"
	"sync"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// Sink keeps the rows of committed writes in memory.
type Sink struct {
	mu   sync.Mutex
	kept map[writeAt][]Views
}

type writeAt struct {
	batch     int64
	partition int
}

// Write keeps the rows of a partition of a batch; the same write again replaces them.
func (s *Sink) Write(_ context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	var all []Views
	for out, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		c, err := rdd.Decode[rdd.None, Views](out.Record)
		if err != nil {
			return dstream.Receipt{}, err
		}
		all = append(all, c.(*rdd.Rows[rdd.None, Views]).Vals...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[writeAt][]Views{}
	}
	s.kept[writeAt{id.Batch, id.Partition}] = all
	return dstream.Receipt{Rows: int64(len(all))}, nil
}

// Views are all rows so far.
func (s *Sink) Views() []Views {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Views
	for _, rows := range s.kept {
		out = append(out, rows...)
	}
	return out
}
