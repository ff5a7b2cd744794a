package driver

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// deadSink keeps dead letters.
type deadSink struct {
	mu   sync.Mutex
	rows []string
}

func (d *deadSink) Write(_ context.Context, _ dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	n := int64(0)
	for out, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		c, err := rdd.Decode[rdd.None, dstream.DeadLetter](out.Record)
		if err != nil {
			return dstream.Receipt{}, err
		}
		d.mu.Lock()
		for _, v := range c.(*rdd.Rows[rdd.None, dstream.DeadLetter]).Vals {
			d.rows = append(d.rows, fmt.Sprintf("%+v", v))
			n++
		}
		d.mu.Unlock()
	}
	return dstream.Receipt{Rows: n}, nil
}

func (d *deadSink) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rows
}
