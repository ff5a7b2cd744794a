package driver

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

// shedding is numbers whose retention has deleted some: those below first[call], as it stands when Plan is called.
type shedding struct {
	numbers
	first func() int64
}

func (s shedding) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at := int64(0)
	if len(from) > 0 {
		at, _ = strconv.ParseInt(string(from), 10, 64)
	}
	if first := s.first(); at < first {
		return dstream.Range{}, &dstream.LossError{
			Lost:   []dstream.Lost{{Split: "numbers", From: at, To: first, Reason: "deleted by retention"}},
			Resume: dstream.Offsets(strconv.FormatInt(first, 10)),
		}
	}
	return s.numbers.Plan(ctx, from, limit)
}

// sheds gives one value after the other, the last one for ever.
func sheds(values ...int64) func() int64 {
	return func() int64 {
		v := values[0]
		if len(values) > 1 {
			values = values[1:]
		}
		return v
	}
}

func shedJob(first func() int64, k *kept) func(*dstream.Job) {
	return func(job *dstream.Job) {
		job.Read("numbers", shedding{numbers{n: 100, step: 10}, first}).Write("kept", k)
	}
}

func TestLossStopsTheJob(t *testing.T) {
	o, k := testOptions(t), &kept{}
	batches, err := run(t, shedJob(sheds(40), k), o)
	wants(t, err, `source "numbers"`, "numbers [0, 40): deleted by retention", "--accept-loss")
	if n, _ := k.sum(); n != 0 || len(batches) != 0 {
		t.Errorf("%d rows in %d batches: the job went on", n, len(batches))
	}
}

func TestAcceptedLossIsInThePlan(t *testing.T) {
	o, k := testOptions(t), &kept{}
	o.AcceptLoss = true
	var warned []string
	o.Warn = func(text string) { warned = append(warned, text) }
	batches, err := run(t, shedJob(sheds(40, 55), k), o) // and more is deleted between two looks
	if err != nil {
		t.Fatal(err)
	}
	if n, sum := k.sum(); n != 45 || sum != 45*(55+99)/2 {
		t.Errorf("%d rows, sum %d", n, sum)
	}
	if len(warned) != 2 || !strings.Contains(warned[0], "numbers [0, 40)") || !strings.Contains(warned[1], "numbers [40, 55)") {
		t.Errorf("warnings %q", warned)
	}
	for i, b := range batches {
		if want := map[bool]int{true: 2}[i == 0]; b.Lost() != want {
			t.Errorf("batch %d reports %d lost ranges", b.Batch, b.Lost())
		}
	}
	logged, err := Batches(o.Checkpoint, "test", 100)
	if err != nil || len(logged) == 0 || len(logged[0].Sources[0].Lost) != 2 {
		t.Errorf("the log: %+v, %v", logged, err)
	}
	var text strings.Builder
	if err := PrintBatches(&text, o.Checkpoint, "test", 100, false); err != nil || !strings.Contains(text.String(), "2 ranges of input lost") {
		t.Errorf("%v: `driver batches` does not tell:\n%s", err, &text)
	}
}

// TestLaterLossIsNotAccepted: --accept-loss is about what the user has seen, not about what may be lost next week.
func TestLaterLossIsNotAccepted(t *testing.T) {
	o, k := testOptions(t), &kept{}
	o.AcceptLoss = true
	batches, err := run(t, shedJob(sheds(40, 40, 40, 90), k), o)
	wants(t, err, "numbers [60, 90)", "--accept-loss")
	if n, _ := k.sum(); n != 20 || batches[len(batches)-1].Outcome != report.Committed {
		t.Errorf("%d rows before the second loss, the last batch %s", n, batches[len(batches)-1].Outcome)
	}
	if _, err := run(t, shedJob(sheds(90), k), o); err != nil {
		t.Fatal(err)
	}
	if n, _ := k.sum(); n != 30 {
		t.Errorf("%d rows in the end", n)
	}
}

// TestLossWithoutAWayOn must not be asked about for ever.
func TestLossWithoutAWayOn(t *testing.T) {
	o := testOptions(t)
	o.AcceptLoss = true
	calls := int64(0)
	_, err := run(t, shedJob(func() int64 { calls++; return calls * 5 }, &kept{}), o)
	var loss *dstream.LossError
	if !errors.As(err, &loss) || calls > acceptable {
		t.Errorf("%v after %d calls", err, calls)
	}
}
