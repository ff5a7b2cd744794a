package executor

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// newWorker is a worker of a job that maps three rows and keeps them in a sink.
func newWorker(t *testing.T) (w *Worker, plan *dstream.Plan, reports chan wire.Report) {
	t.Helper()
	g, err := dstream.Build(func(job *dstream.Job) {
		job.Source[row]("rows").Map(func(r row) row { return row{r.Name, 10 / r.N} }).WriteTo("out")
	}, "test", dstream.Settings{Default: "test://"})
	if err != nil {
		t.Fatal(err)
	}
	rows := fixed{{"a", 1}, {"b", 2}}
	place := dstream.Place{Sources: map[string]dstream.Connector{"rows": rows}, Sinks: map[string]dstream.RecordSink{"out": counting{}}}
	if err := g.Open(place); err != nil {
		t.Fatal(err)
	}
	plan = &dstream.Plan{Batch: 7, Time: time.Unix(100, 0), Parts: 1, Sources: map[string]dstream.SourcePlan{
		"rows": {Parts: [][]dstream.Split{{{Name: "rows", To: 2}}}},
	}}
	b, err := g.Batch(plan)
	if err != nil {
		t.Fatal(err)
	}
	plan.Stages = b.Program.Digest
	reports = make(chan wire.Report, 16)
	w, err = NewWorker(g, Options{Slots: 1, Scratch: filepath.Join(t.TempDir(), "scratch"), Job: "test"}, func(r wire.Report) { reports <- r })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, plan, reports
}

func TestWorkerRunsAndPublishes(t *testing.T) {
	w, plan, reports := newWorker(t)
	id := rdd.TaskID{Batch: 7, Attempt: 1}
	w.Take(wire.Begin{Epoch: 3, Plan: plan})
	w.Take(wire.Launch{Epoch: 3, Tasks: []rdd.TaskID{id}})
	done, ok := (<-reports).(wire.TaskDone)
	if !ok || done.Task != id || done.Counts.Out != 2 || done.Splits["rows"] != (dstream.SplitCount{Fetched: 2, Delivered: 2}) {
		t.Fatalf("%+v", done)
	}
	w.Take(wire.Grant{Epoch: 3, Batch: 7, Round: 1, Tasks: []rdd.TaskID{id}})
	published, ok := (<-reports).(wire.Published)
	if !ok || published.Round != 1 || len(published.Receipts) != 1 || published.Receipts[0].Offered != 2 || published.Receipts[0].Receipt.Rows != 2 {
		t.Fatalf("%+v", published)
	}
	w.Take(wire.Commit{Epoch: 3, Batch: 7})
	if w.blocks.used != 0 {
		t.Errorf("%d bytes of blocks after the commit", w.blocks.used)
	}
}

// TestZombieDriverChangesNothing shows that messages of an older epoch are not obeyed once a newer one has been seen.
func TestZombieDriverChangesNothing(t *testing.T) {
	w, plan, reports := newWorker(t)
	w.Take(wire.Begin{Epoch: 3, Plan: plan})
	for _, m := range []wire.Message{
		wire.Launch{Epoch: 2, Tasks: []rdd.TaskID{{Batch: 7, Attempt: 1}}},
		wire.Grant{Epoch: 2, Batch: 7, Round: 1}, wire.Abort{Epoch: 2, Batch: 7}, wire.Commit{Epoch: 2, Batch: 7},
		wire.Fetch{Epoch: 2, Batch: 7}, wire.Begin{Epoch: 2, Plan: plan},
	} {
		w.Take(m)
	}
	w.Take(wire.Launch{Epoch: 3, Tasks: []rdd.TaskID{{Batch: 7, Attempt: 2}}})
	if done, ok := (<-reports).(wire.TaskDone); !ok || done.Task.Attempt != 2 {
		t.Errorf("%+v, want the task of epoch 3 alone", done)
	}
	select {
	case r := <-reports:
		t.Errorf("the zombie got %+v", r)
	default:
	}
}

func TestWorkerRefusesAnotherGraph(t *testing.T) {
	w, plan, reports := newWorker(t)
	other := *plan
	other.Stages = "0000000000000000"
	w.Take(wire.Begin{Epoch: 1, Plan: &other})
	r, ok := (<-reports).(wire.Refused)
	if !ok || !errors.As(r.Err, new(*wire.DigestError)) {
		t.Errorf("%+v, want a refusal that names both digests", r)
	}
}

func TestPanicFailsTheTaskAndNotTheWorker(t *testing.T) {
	w, plan, reports := newWorker(t)
	bad := *plan
	bad.Sources = map[string]dstream.SourcePlan{"rows": {Parts: [][]dstream.Split{{{Name: "rows", From: -1, To: 2}}}}} // a row with N = 0
	w.Take(wire.Begin{Epoch: 1, Plan: &bad})
	w.Take(wire.Launch{Epoch: 1, Tasks: []rdd.TaskID{{Batch: 7, Attempt: 1}}})
	failed, ok := (<-reports).(wire.TaskFailed)
	if !ok || !errors.As(failed.Err, new(*rdd.PanicError)) {
		t.Fatalf("%+v, want a task that failed with a panic", failed)
	}
	w.Take(wire.Abort{Epoch: 1, Batch: 7})
	w.Take(wire.Begin{Epoch: 1, Plan: plan})
	w.Take(wire.Launch{Epoch: 1, Tasks: []rdd.TaskID{{Batch: 7, Attempt: 2}}})
	if done, ok := (<-reports).(wire.TaskDone); !ok {
		t.Errorf("%+v: the worker should have survived", done)
	}
}
