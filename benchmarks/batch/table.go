package batch

import (
	"context"
	"iter"
	"sync"

	"github.com/tidemill/tidemill/benchmarks/ysb"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// views is a sink that keeps one number for each campaign and window: as much as the result has, whatever the batches.
type views struct {
	mu    sync.Mutex
	cells map[ysb.Cell]int64
}

// Write takes the rows of a partition of a batch.
func (v *views) Write(_ context.Context, _ dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	n := int64(0)
	for out, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		c, err := rdd.Decode[rdd.None, ysb.Views](out.Record)
		if err != nil {
			return dstream.Receipt{}, err
		}
		n += int64(c.Len())
		v.put(c.(*rdd.Rows[rdd.None, ysb.Views]).Vals)
	}
	return dstream.Receipt{Rows: n}, nil
}

func (v *views) put(rows []ysb.Views) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cells == nil {
		v.cells = map[ysb.Cell]int64{}
	}
	for _, r := range rows {
		v.cells[ysb.Cell{Campaign: r.Campaign, Window: r.Window.UTC()}] = r.Views
	}
}

func (v *views) rows() []ysb.Views {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []ysb.Views
	for c, n := range v.cells {
		out = append(out, ysb.Views{Campaign: c.Campaign, Window: c.Window, Views: n})
	}
	return out
}
