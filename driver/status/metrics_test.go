package status

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/tidemill/tidemill/dstream"
)

// families returns the sample lines of /metrics by family.
func families(t *testing.T, b *Board) map[string]string {
	t.Helper()
	w := get(routes(b), "/metrics")
	if w.Code != http.StatusOK {
		t.Fatalf("/metrics: %d: %s", w.Code, w.Body)
	}
	out, family := map[string]string{}, ""
	for line := range strings.Lines(w.Body.String()) {
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, _, _ = strings.Cut(name, " ")
		} else if !strings.HasPrefix(line, "#") {
			out[family] += line
		}
	}
	return out
}

// Every metric moves when what it counts happens, and all those that exist are exported.
func TestEveryMetricMoves(t *testing.T) {
	b, c := adsBoard(1)
	before := families(t, b)
	for _, m := range []struct {
		happens string
		do      func()
		moves   []string
	}{
		{"a batch is committed", func() {
			r := sample(2)
			r.Time = r.Time.Add(time.Hour)
			r.Steps[0].Keys, r.Steps[0].Bytes, r.Ticks = 1300, 97_000, 4
			r.Sources[0].Lost = []dstream.Lost{{Split: "ads/3"}}
			b.Put(r)
		}, []string{
			"batches_total", "source_rows_total", "source_rejected_rows_total", "sink_rows_total", "step_late_rows_total",
			"task_attempts_total", "task_retries_total", "spilled_bytes_total", "watermark_lag_seconds", "state_keys", "state_bytes",
			"last_batch_timestamp_seconds", "backlog_ticks", "source_lag_rows", "source_lost_ranges_total", "batch_limit_rows", "batch_due_to_commit_seconds", "stage_seconds",
		}},
		{"a batch is redone", func() { r := sample(3); r.Redone = true; b.Put(r) }, []string{"batches_redone_total"}},
		{"a batch fails", func() { b.Put(broken(4)) }, []string{"batches_total"}},
		{"the job is another", func() { b.SetJob(Job{Name: "other", Epoch: 9, Started: c.now}) }, []string{"job_info", "job_epoch"}},
	} {
		last := families(t, b)
		m.do()
		now := families(t, b)
		for _, name := range m.moves {
			name = "tidemill_" + name
			if now[name] == "" || now[name] == last[name] {
				t.Errorf("%s, and %s stays %q", m.happens, name, now[name])
			}
			delete(before, name)
		}
	}
	for name := range before {
		t.Errorf("nothing moves %s", name)
	}
}

// The conventions of Prometheus: help, units, suffixes.
func TestMetricsLint(t *testing.T) {
	b, _ := adsBoard(2)
	problems, err := promlint.New(get(routes(b), "/metrics").Body).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for name := range families(t, b) {
		if !strings.HasPrefix(name, "tidemill_") {
			t.Errorf("%s is not ours", name)
		}
	}
}

// Names come from jobs; none of them may break the scrape.
func TestMetricsSurviveAnyName(t *testing.T) {
	b := NewBoard(Options{})
	b.SetJob(Job{Name: "\xff\x00"})
	for i, name := range []string{"a\xff", "a\xfe", "a�", "a\x1b", "", "\"\n{}"} {
		r := sample(int64(i + 1))
		r.Sources[0].Name, r.Stages[0].Name, r.Steps[0].Name, r.Sinks[0].Name = name, name, name, name
		b.Put(r)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector{b})
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
	if got := families(t, b)["tidemill_source_rows_total"]; strings.Count(got, "\n") != 3 {
		t.Errorf("want three sources: a�, the empty one and the quoted one:\n%s", got)
	}
}
