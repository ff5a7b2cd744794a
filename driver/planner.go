package driver

import (
	"context"
	"hash/fnv"
	"time"

	"github.com/tidemill/tidemill/driver/schedule"
	"github.com/tidemill/tidemill/dstream"
)

// patience is how long a batch waits for a source to say what there is. A source that is slower gets an empty range.
const patience = 2 * time.Second

// planner makes the plans of batches. One goroutine at a time uses it.
type planner struct {
	job     string
	binary  string
	clock   schedule.Clock
	askers  []*asker
	slots   int
	limit   dstream.Limit
	tables  map[string]string
	widths  map[string]int // partitions of each source: as many as it ever had splits, up to the slots
	parts   int
	groups  int
	ended   map[string]bool
	offsets map[string]dstream.Offsets
	stamp   int64
}

// next plans a batch for the ticks (from, to]. last: every source has ended and the batch before had their last rows, so that this
// one closes what is open and is the last.
func (p *planner) next(ctx context.Context, batch int64, from, to schedule.Tick) (*dstream.Plan, bool, error) {
	at := p.clock.At(to)
	plan := &dstream.Plan{
		Batch: batch, Time: at, From: p.clock.At(from), Timestamp: max(p.stamp+1000, at.UnixMicro()), Seed: seed(p.job, batch),
		Parts: p.parts, Groups: p.groups, Binary: p.binary, Sources: map[string]dstream.SourcePlan{}, Tables: p.tables,
	}
	last := len(p.askers) > 0
	limit := p.share()
	for _, a := range p.askers {
		name := a.source.Name
		if p.ended[name] {
			plan.Sources[name] = dstream.SourcePlan{From: p.offsets[name], To: p.offsets[name], Parts: make([][]dstream.Split, p.widths[name]), Ended: true}
			continue
		}
		last = false
		r, stalled, err := a.ask(ctx, p.offsets[name], limit, patience)
		if err != nil {
			return nil, false, err
		}
		plan.Sources[name] = dstream.SourcePlan{
			From: p.offsets[name], To: r.To, Parts: p.spread(name, r.Splits), Ended: r.Ended, Idle: r.Idle, Stalled: stalled,
		}
	}
	return plan, last, nil
}

// share is one source's part of the limit of a batch.
func (p *planner) share() dstream.Limit {
	n := int64(max(len(p.askers)-len(p.ended), 1))
	l := dstream.Limit{Rows: p.limit.Rows / n, Bytes: p.limit.Bytes / n}
	if p.limit.Rows > 0 {
		l.Rows = max(l.Rows, 1)
	}
	if p.limit.Bytes > 0 {
		l.Bytes = max(l.Bytes, 1)
	}
	return l
}

// spread deals a source's splits out to partitions. Their number only grows: a batch with fewer splits has empty partitions,
// which cost next to nothing, while another number of partitions would cost a new program.
func (p *planner) spread(source string, splits []dstream.Split) [][]dstream.Split {
	width := max(p.widths[source], min(len(splits), p.slots), 1)
	p.widths[source] = width
	out := make([][]dstream.Split, width)
	for i, s := range splits {
		out[i%width] = append(out[i%width], s)
	}
	return out
}

// committed moves on to what comes after a batch.
func (p *planner) committed(plan *dstream.Plan) {
	p.stamp = plan.Timestamp
	for name, s := range plan.Sources {
		p.offsets[name] = s.To
		if s.Ended {
			p.ended[name] = true
		}
	}
}

// close waits for questions that are under way; their context has ended.
func (p *planner) close() {
	for _, a := range p.askers {
		a.wait()
	}
}

// seed is a batch's own, the same whenever it runs.
func seed(job string, batch int64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(job))
	for i := range 8 {
		h.Write([]byte{byte(batch >> (8 * i))})
	}
	return h.Sum64()
}
