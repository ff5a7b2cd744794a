package driver

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// counted are the results of the attempts that count, in the order of their tasks.
func (b *batch) counted() []wire.TaskDone {
	return slices.SortedFunc(maps.Values(b.results), func(x, y wire.TaskDone) int {
		return cmp.Or(cmp.Compare(x.Task.Program, y.Task.Program), cmp.Compare(x.Task.Stage, y.Task.Stage), cmp.Compare(x.Task.Partition, y.Task.Partition))
	})
}

// sinkReceipts are the last receipts of each partition of a sink, in order.
func (b *batch) sinkReceipts(name string) []wire.SinkReceipt {
	of := map[int]wire.SinkReceipt{}
	for _, r := range b.receipts {
		if r.Sink == name {
			of[r.Partition] = r
		}
	}
	var out []wire.SinkReceipt
	for _, p := range sortedKeys(of) {
		out = append(out, of[p])
	}
	return out
}

// commitRecord is what COMMIT of the batch at hand says.
func (d *driver) commitRecord() *commitRecord {
	b, p := d.b, d.b.rec.Plan
	notes := map[string]map[string]int64{}
	for _, r := range b.results {
		for step, splits := range r.Notes {
			if notes[step] == nil {
				notes[step] = map[string]int64{}
			}
			for split, µs := range splits {
				was, ok := notes[step][split]
				if !ok || µs > was {
					notes[step][split] = µs
				}
			}
		}
	}
	rec := &commitRecord{
		Batch: p.Batch, Timestamp: p.Timestamp, Parts: p.Parts, Groups: p.Groups,
		Offsets: maps.Clone(d.last.Offsets), Progress: d.g.Advance(d.last.Progress, p, notes), States: b.statesAfter(d.last.States),
		Fingerprint: d.g.Fingerprint(), Receipts: map[string][]dstream.Receipt{}, Last: b.rec.Last, Report: d.report(),
	}
	for name, s := range p.Sources {
		rec.Offsets[name] = s.To
	}
	for _, r := range b.receipts {
		if len(r.Receipt.Body) > 0 {
			rec.Receipts[r.Sink] = append(rec.Receipts[r.Sink], r.Receipt)
		}
	}
	rec.Report.Outcome = report.Committed
	return rec
}

// statesAfter is where the state of every partition lies after the batch.
func (b *batch) statesAfter(before map[string][]wire.StateRef) map[string][]wire.StateRef {
	out := map[string][]wire.StateRef{}
	for step, refs := range before {
		out[step] = slices.Clone(refs)
	}
	for _, at := range b.states {
		s := at.ref
		refs := out[s.Step]
		at := slices.IndexFunc(refs, func(r wire.StateRef) bool { return r.Partition == s.Partition })
		if at < 0 {
			out[s.Step] = append(refs, s)
			continue
		}
		refs[at] = s
	}
	for _, refs := range out {
		slices.SortFunc(refs, func(x, y wire.StateRef) int { return cmp.Compare(x.Partition, y.Partition) })
	}
	return out
}

// report is the BatchReport as far as it can be told.
func (d *driver) report() *report.Batch {
	b, p := d.b, d.b.rec.Plan
	return &report.Batch{
		Job: d.name, Epoch: d.epoch(), Batch: p.Batch, Time: p.Time, Interval: d.interval, Ticks: b.ticks, Outcome: report.Running, Redone: b.redone,
		Timeline: b.line, Sources: d.sourceReports(), Stages: b.stageReports(), Steps: d.stepReports(), Sinks: d.sinkReports(), Ledger: b.ledger(),
	}
}

func (d *driver) sourceReports() []report.Source {
	out := []report.Source{}
	for _, s := range d.g.Sources() {
		p := d.b.rec.Plan.Sources[s.Name]
		r := report.Source{
			Name: s.Name, Ended: p.Ended, Idle: p.Idle, Stalled: p.Stalled, Limit: p.Limit.Rows, Lag: p.Lag, Note: p.Note, Lost: p.Lost,
		}
		for _, part := range p.Parts {
			r.Splits += len(part)
		}
		for _, t := range d.b.results {
			c := t.Splits[s.Name]
			r.Fetched, r.Delivered, r.Rejected = r.Fetched+c.Fetched, r.Delivered+c.Delivered, r.Rejected+c.Rejected
		}
		out = append(out, r)
	}
	return out
}

func (b *batch) stageReports() []report.Stage {
	out := []report.Stage{}
	for _, k := range sortedKeys(b.programs) {
		for _, s := range b.programs[k].Stages {
			at := stageAt{k, s.ID}
			r := report.Stage{
				Program: k, Stage: s.ID, Name: stageName(s), At: s.Node.At, Tasks: s.Parts, Attempts: b.attempts[at], Busy: b.busy[at][0], Longest: b.busy[at][1],
			}
			for part := range s.Parts {
				if t, ok := b.results[place{k, s.ID, part}]; ok {
					r.RowsIn, r.RowsOut, r.Bytes, r.Spilled = r.RowsIn+t.Counts.In, r.RowsOut+t.Counts.Out, r.Bytes+t.Counts.Bytes, r.Spilled+t.Spilled
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// stageName is the steps that a stage fuses, in the order in which rows pass them.
func stageName(s *rdd.Stage) string {
	var out []string
	for _, n := range slices.Backward(s.Nodes) {
		kind := n.Kind
		if n.Name != "" {
			kind += " " + n.Name
		}
		if len(out) == 0 || out[len(out)-1] != kind {
			out = append(out, kind)
		}
	}
	return strings.Join(out, " → ")
}

func (d *driver) stepReports() []report.Step {
	out := []report.Step{}
	for _, step := range sortedKeys(d.b.marks) {
		r := report.Step{Name: step}
		switch mark := d.b.marks[step]; mark {
		case dstream.MinTime:
		case dstream.MaxTime:
			r.Ended = true
		default:
			at := time.UnixMicro(mark).UTC()
			r.Watermark = &at
		}
		for _, t := range d.b.results {
			f, size := t.Counts.Folded[step], t.Steps[step]
			r.Rows, r.Accepted, r.Late = r.Rows+f.Rows, r.Accepted+f.Accepted, r.Late+f.Late
			r.Touched, r.Keys, r.Bytes = r.Touched+size.Touched, r.Keys+size.Keys, r.Bytes+size.Bytes
		}
		out = append(out, r)
	}
	return out
}

func (d *driver) sinkReports() []report.Sink {
	out := []report.Sink{}
	for i, name := range d.g.Sinks() {
		r := report.Sink{Name: name, Guarantee: d.g.Guarantee(i).String()}
		for _, s := range d.b.sinkReceipts(name) {
			r.Offered, r.Taken, r.Busy = r.Offered+s.Offered, r.Taken+s.Receipt.Rows, r.Busy+s.Busy
		}
		out = append(out, r)
	}
	return out
}
