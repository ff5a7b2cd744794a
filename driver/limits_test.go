package driver

import (
	"context"
	"iter"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
)

// deep is a source of n rows that gives as many as it may.
type deep struct {
	name string
	n    int64
	lags bool          // it knows how much it has left
	cost time.Duration // of reading a row
}

func (s deep) Plan(_ context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at := int64(0)
	if len(from) > 0 {
		at, _ = strconv.ParseInt(string(from), 10, 64)
	}
	to := s.n
	if limit.Rows > 0 {
		to = min(at+limit.Rows, s.n)
	}
	r := dstream.Range{To: dstream.Offsets(strconv.FormatInt(to, 10)), Ended: to == s.n}
	if s.lags {
		r.Lag, r.Note = s.n-to, "deep"
	}
	if at < to {
		r.Splits = []dstream.Split{{Name: s.name, From: at, To: to}}
	}
	return r, nil
}

func (s deep) Read(_ context.Context, split dstream.Split) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) {
		rows := make([]int64, split.To-split.From)
		for i := range rows {
			rows[i] = split.From + int64(i)
		}
		for end := time.Now().Add(time.Duration(len(rows)) * s.cost); time.Now().Before(end); {
			// A row's work.
		}
		yield(rows, nil)
	}
}

func deepJob(k *kept, sources ...deep) func(*dstream.Job) {
	return func(job *dstream.Job) {
		for _, s := range sources {
			job.Read(s.name, s).Write("kept "+s.name, k)
		}
	}
}

func limitsOf(batches []*report.Batch, source int) (out []int64) {
	for _, b := range batches {
		out = append(out, b.Sources[source].Limit)
	}
	return out
}

func TestEveryBatchIsLimited(t *testing.T) {
	o := testOptions(t)
	o.Interval, o.MaxBatches, o.Rate.Initial = 20*time.Millisecond, 12, 10_000
	batches, err := run(t, deepJob(&kept{}, deep{name: "a", n: 1 << 40, cost: 10 * time.Microsecond}), o)
	if err != nil {
		t.Fatal(err)
	}
	next := int64(200) // 10,000/s · 20 ms
	for _, b := range batches {
		if b.Sources[0].Limit != next || b.Rows() != next || !b.Rate.Limited {
			t.Errorf("batch %d has %d rows under a limit of %d, want %d", b.Batch, b.Rows(), b.Sources[0].Limit, next)
		}
		if took := b.Rate.Processing; took < 10*time.Microsecond*time.Duration(b.Rows()) || took > b.Timeline.Committed+time.Second {
			t.Errorf("batch %d of %d rows: %v of processing", b.Batch, b.Rows(), took)
		}
		next = b.Rate.Next
	}
}

func TestWithoutRateControlThereAreTheCapsOnly(t *testing.T) {
	o := testOptions(t)
	o.Rate.Off, o.Limit.Rows = true, 70
	batches, err := run(t, deepJob(&kept{}, deep{name: "a", n: 150}), o)
	if err != nil {
		t.Fatal(err)
	}
	if got := limitsOf(batches, 0)[:3]; !reflect.DeepEqual(got, []int64{70, 70, 70}) || batches[0].Rate != nil {
		t.Errorf("limits %v", got)
	}
}

func TestCapIsOnTopOfTheController(t *testing.T) {
	o := testOptions(t)
	o.Limit.Rows = 7
	batches, err := run(t, deepJob(&kept{}, deep{name: "a", n: 50}), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		if b.Rows() > 7 {
			t.Errorf("batch %d has %d rows", b.Batch, b.Rows())
		}
	}
}

// TestSourcesShareByWhatWaits: a source with a hundred times as much gets most of a batch, and the other is never left out.
func TestSourcesShareByWhatWaits(t *testing.T) {
	o, k := testOptions(t), &kept{}
	o.Rate.Off, o.Limit.Rows, o.MaxBatches = true, 1000, 3
	batches, err := run(t, deepJob(k, deep{name: "big", n: 1_000_000, lags: true}, deep{name: "small", n: 10_000, lags: true}), o)
	if err != nil {
		t.Fatal(err)
	}
	if big, small := limitsOf(batches, 0), limitsOf(batches, 1); big[0] != 500 || small[0] != 500 || big[1] < 950 || small[1] < 25 || big[1]+small[1] > 1000 {
		t.Errorf("limits %v and %v", big, small)
	}
	if s := batches[0].Sources[0]; s.Lag != 999_500 || s.Note != "deep" {
		t.Errorf("the report's source: %+v", s)
	}
}

// TestLogReproducesEveryLimit: a job in two runs, with a cap and two sources. From the log alone follow the controller's states and
// the limits of all plans.
func TestLogReproducesEveryLimit(t *testing.T) {
	o := testOptions(t)
	o.Interval, o.MaxBatches, o.Limit.Rows, o.Rate.Initial = 10*time.Millisecond, 15, 3000, 10_000
	build := deepJob(&kept{}, deep{name: "a", n: 1 << 40, cost: 5 * time.Microsecond}, deep{name: "b", n: 1 << 30, lags: true})
	for range 2 {
		if _, err := run(t, build, o); err != nil {
			t.Fatal(err)
		}
	}
	st, err := store.OpenDir(o.Checkpoint, store.DirOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	l, err := newLimits(o.Limit, o.Rate, o.Interval, &commitRecord{})
	if err != nil {
		t.Fatal(err)
	}
	commits, different := 0, map[int64]bool{}
	for r, err := range batchlog.History(st) {
		if err != nil {
			t.Fatal(err)
		}
		switch r.Type {
		case batchlog.Plan:
			p, err := decode[planRecord]("PLAN", r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(p.Rate, l.logged()) {
				t.Errorf("PLAN %d has the state %+v, want %+v", r.Batch, p.Rate, l.logged())
			}
			for name, want := range l.of([]string{"a", "b"}) {
				if got := p.Plan.Sources[name].Limit; got != want {
					t.Errorf("PLAN %d, source %s: limit %+v, want %+v", r.Batch, name, got, want)
				}
				different[want.Rows] = true
			}
		case batchlog.Commit:
			c, err := decode[commitRecord]("COMMIT", r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			told := c.Report.Rate.Batch
			told.Rows, told.Limited = 0, false // these follow from the sources
			state, rep := l.judged(c.Report, told)
			if !reflect.DeepEqual(state, c.Rate) || !reflect.DeepEqual(rep, c.Report.Rate) {
				t.Errorf("COMMIT %d has %+v after %+v, want %+v", r.Batch, c.Rate, c.Report.Rate, state)
			}
			l.committed(c)
			commits++
		}
	}
	if commits != 30 || len(different) < 5 {
		t.Errorf("%d commits and %d limits: the test shows little", commits, len(different))
	}
}

// TestRestartDoesNotStartCold: the first batch of the second run has the limit that the last one of the first run led to.
func TestRestartDoesNotStartCold(t *testing.T) {
	o := testOptions(t)
	o.Interval, o.MaxBatches, o.Rate.Initial = 10*time.Millisecond, 8, 1000
	build := deepJob(&kept{}, deep{name: "a", n: 1 << 40})
	const cold int64 = 10
	want := cold
	for range 20 { // until the pace of this machine, whatever it is, differs from the cold one
		first, err := run(t, build, o)
		if err != nil {
			t.Fatal(err)
		}
		if want = first[len(first)-1].Rate.Next; want != cold {
			break
		}
	}
	second, err := run(t, build, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := limitsOf(second, 0)[0]; got != want || want == cold {
		t.Errorf("limit %d, want %d", got, want)
	}
}

func TestBadRateOptions(t *testing.T) {
	o := testOptions(t)
	o.Rate = rate.Options{Target: 2}
	_, err := run(t, copies(numbers{n: 1, step: 1}, &kept{}), o)
	wants(t, err, "rate target 2", "0.1 to 1")
}
