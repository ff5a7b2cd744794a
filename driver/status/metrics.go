package status

import "github.com/prometheus/client_golang/prometheus"

// emit takes one value of a metric.
type emit = func(value float64, labels ...string)

// metric is one exported family: its name, help and labels, and how its values are read from the board.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*Board, emit)
}

func counter(name, help string, read func(*Board, emit), labels ...string) metric {
	return metric{prometheus.NewDesc("tidemill_"+name, help, labels, nil), prometheus.CounterValue, read}
}

func gauge(name, help string, read func(*Board, emit), labels ...string) metric {
	return metric{prometheus.NewDesc("tidemill_"+name, help, labels, nil), prometheus.GaugeValue, read}
}

// metrics are all single values. Rows are those of committed batches; attempts and spilled bytes are real work, so
// that of failed ones counts too.
var metrics = []metric{
	gauge("job_info", "1, with the job's name.", func(b *Board, out emit) { out(1, clean(b.job.Name)) }, "job"),
	gauge("job_epoch", "How often this checkpoint has been started.", func(b *Board, out emit) { out(float64(b.job.Epoch)) }),
	counter("batches_total", "Batches that ended, by outcome: committed or failed.", func(b *Board, out emit) {
		out(float64(b.totals.committed), "committed")
		out(float64(b.totals.failed), "failed")
	}, "outcome"),
	counter("batches_redone_total", "Batches whose plan was found in the log after a crash.",
		func(b *Board, out emit) { out(float64(b.totals.redone)) }),
	counter("source_rows_total", "Rows read and delivered, by source.", func(b *Board, out emit) {
		for name, s := range b.totals.sources {
			out(float64(s.rows), name)
		}
	}, "source"),
	counter("source_rejected_rows_total", "Rows that could not be read and went to the dead letters, by source.", func(b *Board, out emit) {
		for name, s := range b.totals.sources {
			out(float64(s.rejected), name)
		}
	}, "source"),
	gauge("source_lag_rows", "Rows that a source has left for later batches, as far as it knows, by source.", func(b *Board, out emit) {
		for name, s := range b.totals.sources {
			out(float64(s.lag), name)
		}
	}, "source"),
	counter("source_lost_ranges_total", "Ranges of input that were gone before any batch had read them, and accepted, by source.", func(b *Board, out emit) {
		for name, s := range b.totals.sources {
			out(float64(s.lost), name)
		}
	}, "source"),
	counter("sink_rows_total", "Rows that a sink took, by its receipts.", func(b *Board, out emit) {
		for name, rows := range b.totals.sinks {
			out(float64(*rows), name)
		}
	}, "sink"),
	counter("step_late_rows_total", "Rows that came after their window had closed, by step.", func(b *Board, out emit) {
		for name, s := range b.totals.steps {
			out(float64(s.late), name)
		}
	}, "step"),
	counter("task_attempts_total", "Attempts of tasks.", func(b *Board, out emit) { out(float64(b.totals.attempts)) }),
	counter("task_retries_total", "Attempts of tasks after the first of each: those before them failed or were lost.",
		func(b *Board, out emit) { out(float64(b.totals.retries)) }),
	counter("spilled_bytes_total", "Bytes of stage output that went to disk for want of memory.",
		func(b *Board, out emit) { out(float64(b.totals.spilled)) }),
	gauge("watermark_lag_seconds", "How far the watermark of a step was behind the time of the last batch.", func(b *Board, out emit) {
		for name, s := range b.totals.steps {
			if s.watched {
				out(s.behind.Seconds(), name)
			}
		}
	}, "step"),
	gauge("state_keys", "Keys that a step holds.", func(b *Board, out emit) {
		for name, s := range b.totals.steps {
			out(float64(s.keys), name)
		}
	}, "step"),
	gauge("state_bytes", "Estimated bytes of state that a step holds.", func(b *Board, out emit) {
		for name, s := range b.totals.steps {
			out(float64(s.bytes), name)
		}
	}, "step"),
	gauge("last_batch_timestamp_seconds", "Nominal time of the last committed batch, in seconds since 1970.", func(b *Board, out emit) {
		if b.totals.last != nil {
			out(float64(b.totals.last.Time.UnixMilli()) / 1000)
		}
	}),
	gauge("batch_limit_rows", "The most rows that the rate controller lets the next batch have.", func(b *Board, out emit) {
		if r := b.totals.last; r != nil && r.Rate != nil {
			out(float64(r.Rate.Next))
		}
	}),
	gauge("backlog_ticks", "Ticks of the clock that the last batch stood for beyond its own: 0 while the engine keeps up.", func(b *Board, out emit) {
		if b.totals.last != nil {
			out(float64(max(0, b.totals.last.Ticks-1)))
		}
	}),
}

var (
	toCommitDesc = prometheus.NewDesc("tidemill_batch_due_to_commit_seconds",
		"Time from the moment a batch was due until it was committed.", nil, nil)
	stageDesc = prometheus.NewDesc("tidemill_stage_seconds",
		"Time of the longest task of a stage in a batch, by stage.", []string{"stage"}, nil)
)

// collector reads the board when somebody scrapes, so that a batch pays nothing for metrics.
type collector struct{ b *Board }

// Describe tells all families.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics {
		out <- m.desc
	}
	out <- toCommitDesc
	out <- stageDesc
}

// Collect sends all values.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, m := range c.values() {
		out <- m
	}
}

// values copies everything first: the lock must not be held while a slow scraper takes them.
func (c collector) values() []prometheus.Metric {
	c.b.mu.RLock()
	defer c.b.mu.RUnlock()
	var all []prometheus.Metric
	for _, m := range metrics {
		m.read(c.b, func(value float64, labels ...string) {
			all = append(all, prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...))
		})
	}
	all = append(all, c.b.totals.toCommit.metric(toCommitDesc))
	for name, h := range c.b.totals.stages {
		all = append(all, h.metric(stageDesc, name))
	}
	return all
}

// metric is the histogram as Prometheus wants it: each bucket counts all that is shorter.
func (h *histogram) metric(desc *prometheus.Desc, labels ...string) prometheus.Metric {
	buckets, total := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, bound := range bounds {
		total += h.counts[i]
		buckets[bound.Seconds()] = total
	}
	total += h.counts[len(bounds)]
	return prometheus.MustNewConstHistogram(desc, total, h.sum, buckets, labels...)
}
