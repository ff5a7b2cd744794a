package batch

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/benchmarks/ysb"
	"github.com/tidemill/tidemill/connectors/generate"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// due is a source whose events become due by the clock, at a steady rate, and which has ended once all have. Event n is a pure
// function of n.
type due struct {
	stream *generate.AdStream
	rate   int64 // events a second; 0 = none are ever due
	total  int64 // events, after which it ends; 0 = it does not end
	splits int64
	from   atomic.Int64 // ns since 1970: when the first Plan was asked
}

// spacing is the event time between two events: ten times that of the clock at 100,000 events/s, so that windows close in a run of
// seconds.
const spacing = 100 * time.Microsecond

func newDue(rate, total int64, splits int) (*due, error) {
	s, err := generate.NewAdStream(generate.Ads{Seed: 1, Spacing: spacing})
	if err != nil {
		return nil, err
	}
	return &due{stream: s, rate: rate, total: total, splits: int64(splits)}, nil
}

// Plan takes what has become due.
func (d *due) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	now := time.Now().UnixNano()
	d.from.CompareAndSwap(0, now)
	at := int64(0)
	if len(from) > 0 {
		var err error
		if at, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			return dstream.Range{}, fmt.Errorf("offset %q: %w", from, err)
		}
	}
	passed := now - d.from.Load()
	to := passed / int64(time.Second) * d.rate
	to += passed % int64(time.Second) * d.rate / int64(time.Second)
	if d.total > 0 {
		to = min(to, d.total)
	}
	to = max(to, at)
	r := dstream.Range{To: dstream.Offsets(strconv.FormatInt(to, 10)), Ended: d.total > 0 && to == d.total}
	for i := range d.splits {
		s := dstream.Split{Name: strconv.FormatInt(i, 10), From: at + (to-at)*i/d.splits, To: at + (to-at)*(i+1)/d.splits}
		if s.From < s.To {
			r.Splits = append(r.Splits, s)
		}
	}
	return r, nil
}

// Read makes the events of a split.
func (d *due) Read(_ context.Context, s dstream.Split, to *dstream.Reader) (int64, error) {
	for n := s.From; n < s.To; n++ {
		e := d.stream.Event(n)
		rdd.BlockOf[ysb.Ad](to.Builder)[0] = ysb.Ad{ID: e.AdID, Event: e.EventType, At: e.EventTime}
		if err := to.Add(); err != nil {
			return 0, err
		}
	}
	return s.To - s.From, nil
}
