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
	limit   dstream.Limit // the most of one batch
	limits  limits
	tables  map[string]string
	widths  map[string]int // partitions of each source: as many as it ever had splits, up to the slots
	parts   int
	groups  int
	ended   map[string]bool
	offsets map[string]dstream.Offsets
	stamp   int64
}

// govern says how much the sources may give, going on from a COMMIT, and whether what they have lost may be gone.
func (p *planner) govern(o Options, interval time.Duration, last *commitRecord) (err error) {
	p.limits, err = newLimits(p.limit, o.Rate, interval, last)
	for _, a := range p.askers {
		a.accept = o.AcceptLoss
	}
	return err
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
	limits := p.limits.of(p.going())
	for _, a := range p.askers {
		name := a.source.Name
		if p.ended[name] {
			plan.Sources[name] = dstream.SourcePlan{From: p.offsets[name], To: p.offsets[name], Parts: make([][]dstream.Split, p.widths[name]), Ended: true}
			continue
		}
		last = false
		got, stalled := a.ask(ctx, p.offsets[name], limits[name], patience)
		if got.err != nil {
			return nil, false, got.err
		}
		plan.Sources[name] = dstream.SourcePlan{
			From: p.offsets[name], To: got.r.To, Parts: p.spread(name, got.r.Splits), Ended: got.r.Ended, Idle: got.r.Idle, Stalled: stalled,
			Limit: got.limit, Lag: max(got.r.Lag, 0), Note: got.r.Note, Lost: got.lost,
		}
	}
	return plan, last, nil
}

// going are the sources that have not ended, in the order of the job.
func (p *planner) going() (names []string) {
	for _, a := range p.askers {
		if !p.ended[a.source.Name] {
			names = append(names, a.source.Name)
		}
	}
	return names
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
func (p *planner) committed(plan *dstream.Plan, c *commitRecord) {
	p.stamp = plan.Timestamp
	p.limits.committed(c)
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
