package status

import (
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

// maxSeries bounds how many sources, stages, steps and sinks are told apart in totals and metrics. A job has a few of
// each; the bound only keeps a body that makes up names from filling the memory. What is beyond it counts as "(other)".
const maxSeries = 256

// series is a total for each name. Names are clean, and so fit to be labels: valid UTF-8, and no two of them alike.
type series[V any] map[string]*V

func (s series[V]) at(name string) *V {
	if v, ok := s[name]; ok {
		return v
	}
	return s.other(name)
}

// other finds or makes the total of a name that is new or not clean.
func (s series[V]) other(name string) *V {
	name = clean(name)
	if _, ok := s[name]; !ok && len(s) >= maxSeries {
		name = "(other)"
	}
	if s[name] == nil {
		s[name] = new(V)
	}
	return s[name]
}

// totals is what the batches since the start add up to. Rows are those of committed batches only.
type totals struct {
	committed, failed, redone int64
	attempts, retries         int64
	rows, late, rejected      int64
	written, spilled          int64
	last                      *report.Batch // committed

	sources  series[sourceTotal]
	sinks    series[int64] // rows taken
	steps    series[stepTotal]
	stages   series[histogram] // longest task
	toCommit histogram
}

type sourceTotal struct {
	rows, rejected, lost int64
	lag                  int64 // after the last batch
}

type stepTotal struct {
	late    int64
	keys    int
	bytes   int64
	behind  time.Duration // batch time − watermark
	watched bool          // it has a watermark
}

func newTotals() totals {
	return totals{sources: series[sourceTotal]{}, sinks: series[int64]{}, steps: series[stepTotal]{}, stages: series[histogram]{}}
}

// add counts r and returns how many rows it read.
func (t *totals) add(r *report.Batch) (rows int64) {
	if r.Redone {
		t.redone++
	}
	t.addStages(r)
	switch r.Outcome {
	case report.Failed:
		t.failed++
	case report.Committed:
		t.committed++
		t.last = r
		t.toCommit.observe(r.Timeline.Committed)
		rows = t.addSources(r)
		t.addSteps(r)
		for i := range r.Sinks {
			*t.sinks.at(r.Sinks[i].Name) += r.Sinks[i].Taken
			t.written += r.Sinks[i].Taken
		}
	}
	return rows
}

func (t *totals) addStages(r *report.Batch) {
	for i := range r.Stages {
		s := &r.Stages[i]
		t.attempts += int64(s.Attempts)
		t.retries += int64(max(0, s.Attempts-s.Tasks))
		t.spilled += s.Spilled
		t.stages.at(s.Name).observe(s.Longest)
	}
}

func (t *totals) addSources(r *report.Batch) (rows int64) {
	for i := range r.Sources {
		s := &r.Sources[i]
		total := t.sources.at(s.Name)
		total.rows += s.Delivered
		total.rejected += s.Rejected
		total.lost += int64(len(s.Lost))
		total.lag = s.Lag
		t.rejected += s.Rejected
		rows += s.Delivered
	}
	t.rows += rows
	return rows
}

func (t *totals) addSteps(r *report.Batch) {
	for i := range r.Steps {
		s := &r.Steps[i]
		total := t.steps.at(s.Name)
		total.late += s.Late
		total.keys, total.bytes = s.Keys, s.Bytes
		total.watched = s.Watermark != nil && !s.Ended
		if total.watched {
			total.behind = r.Time.Sub(*s.Watermark)
		}
		t.late += s.Late
	}
}

// histogram counts durations by bucket.
type histogram struct {
	counts [len(bounds) + 1]uint64 // the last: longer than every bound
	sum    float64                 // seconds
}

// bounds are the upper ends of the buckets: from a batch on an idle machine to one that is hopelessly behind.
var bounds = [...]time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute,
}

func (h *histogram) observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.counts[i]++
	h.sum += d.Seconds()
}
