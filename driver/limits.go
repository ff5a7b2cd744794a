package driver

import (
	"time"

	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

// limits say how much each source may give to the next batch. They follow from the last COMMIT and the options alone.
type limits struct {
	most    dstream.Limit    // of a batch, over all sources
	control *rate.Controller // nil = none
	state   rate.State       // of it
	demand  map[string]rate.Demand
}

// newLimits goes on from a COMMIT.
func newLimits(most dstream.Limit, o rate.Options, interval time.Duration, last *commitRecord) (limits, error) {
	l := limits{most: most, demand: demand(last.Report)}
	if o.Off {
		return l, nil
	}
	c, err := rate.New(o, interval)
	if err != nil {
		return l, err
	}
	l.control, l.state = &c, c.Start()
	if last.Rate != nil {
		l.state = *last.Rate
	}
	return l, nil
}

// demand is what a batch showed of its sources.
func demand(b *report.Batch) map[string]rate.Demand {
	out := map[string]rate.Demand{}
	if b != nil {
		for _, s := range b.Sources {
			out[s.Name] = rate.Demand{Given: s.Fetched, Lag: s.Lag, Limit: s.Limit}
		}
	}
	return out
}

// total is the limit of a batch, over all sources.
func (l *limits) total() dstream.Limit {
	t := l.most
	if l.control != nil {
		n := l.control.Limit(l.state)
		if t.Rows > 0 {
			n = min(n, t.Rows)
		}
		t.Rows = n
	}
	return t
}

// of are the limits of some sources, by what they have waiting.
func (l *limits) of(sources []string) map[string]dstream.Limit {
	t := l.total()
	demands := make([]rate.Demand, len(sources))
	for i, name := range sources {
		demands[i] = l.demand[name]
	}
	weights := rate.Weights(t.Rows, demands)
	rows, bytes := rate.Share(t.Rows, weights), rate.Share(t.Bytes, weights)
	out := map[string]dstream.Limit{}
	for i, name := range sources {
		out[name] = dstream.Limit{Rows: rows[i], Bytes: bytes[i]}
	}
	return out
}

// logged is the controller's state, as PLAN and COMMIT keep it.
func (l *limits) logged() *rate.State {
	if l.control == nil {
		return nil
	}
	s := l.state
	return &s
}

// judged is what the controller makes of a batch that is about to be committed.
func (l *limits) judged(b *report.Batch, t rate.Batch) (*rate.State, *report.Rate) {
	if l.control == nil {
		return nil, nil
	}
	if b.Redone {
		return l.logged(), nil // it ran in another process, too, and on cold caches
	}
	for _, d := range demand(b) {
		t.Rows += d.Given
		t.Limited = t.Limited || d.Limited()
	}
	next := l.control.Next(l.state, t)
	return &next, &report.Rate{Batch: t, PerSecond: next.Rate, Limit: l.control.Limit(l.state), Next: l.control.Limit(next)}
}

// committed goes on to what comes after a batch.
func (l *limits) committed(c *commitRecord) {
	l.demand = demand(c.Report)
	if c.Rate != nil {
		l.state = *c.Rate
	}
}
