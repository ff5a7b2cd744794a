package status

import (
	"slices"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

// Summary is a job in a few numbers, since it started. Rows are those of committed batches.
type Summary struct {
	Batches       int64         `json:"batches"` // committed
	Failed        int64         `json:"failed"`
	Redone        int64         `json:"redone"`
	LastBatch     int64         `json:"last_batch"` // number of the last committed one; 0 = none yet
	Rows          int64         `json:"rows"`
	RowsPerSecond float64       `json:"rows_per_second"` // over the last 10 s
	MeanPerSecond float64       `json:"mean_rows_per_second"`
	Lag           time.Duration `json:"lag"`      // how long after it was due the last batch was committed; ns in JSON
	LagRows       int64         `json:"lag_rows"` // left in the sources by the last batch, as far as they know
	Limit         int64         `json:"limit"`    // rows that the next batch may have, by the rate controller; 0 = no such limit
	Late          int64         `json:"late"`
	DeadLetters   int64         `json:"dead_letters"`
	Written       int64         `json:"written"`
	Spilled       int64         `json:"spilled"` // bytes
	StateKeys     int64         `json:"state_keys"`
	StateBytes    int64         `json:"state_bytes"`
}

// Summary returns the totals. Its cost does not depend on how many batches are kept.
func (b *Board) Summary() Summary {
	now := b.opt.Now()
	b.mu.RLock()
	defer b.mu.RUnlock()
	t := &b.totals
	s := Summary{
		Batches: t.committed, Failed: t.failed, Redone: t.redone,
		Rows: t.rows, RowsPerSecond: b.meter.rate(now), MeanPerSecond: b.meter.mean(t.rows),
		Late: t.late, DeadLetters: t.rejected, Written: t.written, Spilled: t.spilled,
	}
	if t.last != nil {
		s.LastBatch, s.Lag, s.LagRows = t.last.Batch, t.last.Timeline.Committed, t.last.Lag()
		if t.last.Rate != nil {
			s.Limit = t.last.Rate.Next
		}
	}
	for _, step := range t.steps {
		s.StateKeys += int64(step.keys)
		s.StateBytes += step.bytes
	}
	return s
}

// quantiles are the times from due to commit that half, and 99 of 100, of the committed batches keep (nearest rank);
// n is how many there are.
func quantiles(batches []*report.Batch) (p50, p99 time.Duration, n int) {
	var all []time.Duration
	for _, r := range batches {
		if r.Outcome == report.Committed {
			all = append(all, r.Timeline.Committed)
		}
	}
	if len(all) == 0 {
		return 0, 0, 0
	}
	slices.Sort(all)
	return all[(len(all)*50-1)/100], all[(len(all)*99-1)/100], len(all)
}
