package driver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbers is a source of the numbers 0 to n−1, step a batch.
type numbers struct {
	n, step int64
	plan    func(context.Context) error // called in Plan
	read    func(dstream.Split) error   // called in Read
}

func (s numbers) Plan(ctx context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	if s.plan != nil {
		if err := s.plan(ctx); err != nil {
			return dstream.Range{}, err
		}
	}
	at := int64(0)
	if len(from) > 0 {
		at, _ = strconv.ParseInt(string(from), 10, 64)
	}
	to := min(at+s.step, s.n)
	r := dstream.Range{To: dstream.Offsets(strconv.FormatInt(to, 10)), Ended: to == s.n}
	if at < to {
		r.Splits = []dstream.Split{{Name: "numbers", From: at, To: to}}
	}
	return r, nil
}

func (s numbers) Read(_ context.Context, split dstream.Split) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) {
		if s.read != nil {
			if err := s.read(split); err != nil {
				yield(nil, err)
				return
			}
		}
		var rows []int64
		for n := split.From; n < split.To; n++ {
			rows = append(rows, n)
		}
		yield(rows, nil)
	}
}

// kept is a sink that keeps rows by batch and partition.
type kept struct {
	mu    sync.Mutex
	rows  map[string][]int64
	write func(dstream.WriteID) error // called in Write
	short int64                       // rows that its receipts leave out
}

func (k *kept) Write(_ context.Context, id dstream.WriteID, rows iter.Seq2[[]int64, error]) (dstream.Receipt, error) {
	if k.write != nil {
		if err := k.write(id); err != nil {
			return dstream.Receipt{}, err
		}
	}
	var all []int64
	for chunk, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		all = append(all, chunk...)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rows == nil {
		k.rows = map[string][]int64{}
	}
	k.rows[fmt.Sprintf("%d/%d", id.Batch, id.Partition)] = all
	return dstream.Receipt{Rows: int64(len(all)) - k.short}, nil
}

func (k *kept) sum() (n, sum int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, rows := range k.rows {
		for _, v := range rows {
			n, sum = n+1, sum+v
		}
	}
	return n, sum
}

// testOptions are those of a quick job with a checkpoint of its own.
func testOptions(t *testing.T) Options {
	dir := t.TempDir()
	return Options{Name: "test", Interval: 5 * time.Millisecond, Checkpoint: filepath.Join(dir, "checkpoint"), Scratch: filepath.Join(dir, "scratch"), Parallelism: 2}
}

// run runs a job to its end.
func run(t *testing.T, build func(*dstream.Job), o Options) ([]*report.Batch, error) {
	t.Helper()
	var all []*report.Batch
	o.Observe = func(b *report.Batch) { all = append(all, b) }
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := Run(ctx, ctx, build, o)
	if ctx.Err() != nil {
		t.Fatal("the job did not end")
	}
	return all, err
}

// copies is the job that copies numbers to a sink.
func copies(s numbers, k *kept) func(*dstream.Job) {
	return func(job *dstream.Job) { job.Read("numbers", s).Write("kept", k) }
}

// wants checks that an error says all of it.
func wants(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; it should say %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q:\n%v", text, err)
		}
	}
}

func TestCopiesEverythingOnce(t *testing.T) {
	k := &kept{}
	batches, err := run(t, copies(numbers{n: 1000, step: 100}, k), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if n, sum := k.sum(); n != 1000 || sum != 499500 {
		t.Errorf("%d rows, sum %d", n, sum)
	}
	if len(batches) < 11 {
		t.Errorf("%d batches, want ten with rows and one that closes", len(batches))
	}
	for _, b := range batches {
		if b.Outcome != report.Committed || unbalanced(b.Ledger) != nil {
			t.Errorf("batch %d: %s, %v", b.Batch, b.Outcome, b.Ledger)
		}
	}
}

func TestRetriesThenSucceeds(t *testing.T) {
	k, fails := &kept{}, atomic.Int64{}
	s := numbers{n: 100, step: 50, read: func(dstream.Split) error {
		if fails.Add(1) <= 3 {
			return errors.New("the network is down")
		}
		return nil
	}}
	batches, err := run(t, copies(s, k), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := k.sum(); n != 100 {
		t.Errorf("%d rows", n)
	}
	if b := batches[0]; b.Stages[0].Attempts != b.Stages[0].Tasks+3 {
		t.Errorf("%d attempts at %d tasks, want 3 more", b.Stages[0].Attempts, b.Stages[0].Tasks)
	}
}

func TestFourRetriesThenTheBatchFailsAndTheJobStops(t *testing.T) {
	k, tries := &kept{}, atomic.Int64{}
	s := numbers{n: 100, step: 50, read: func(split dstream.Split) error {
		if split.From == 50 {
			tries.Add(1)
			return errors.New("block 7 is gone")
		}
		return nil
	}}
	o := testOptions(t)
	batches, err := run(t, copies(s, k), o)
	wants(t, err, "batch 2", "block 7 is gone", `source "numbers"`)
	if tries.Load() != 5 {
		t.Errorf("%d attempts, want one and four retries", tries.Load())
	}
	if n, _ := k.sum(); n != 50 {
		t.Errorf("%d rows were published, want those of the first batch", n)
	}
	if last := batches[len(batches)-1]; last.Outcome != report.Failed || !strings.Contains(last.Error, "block 7 is gone") {
		t.Errorf("the last report: %s, %q", last.Outcome, last.Error)
	}
	// The failed batch was not skipped: the job goes on with it.
	if _, err := run(t, copies(numbers{n: 100, step: 50}, k), o); err != nil {
		t.Fatal(err)
	}
	if n, sum := k.sum(); n != 100 || sum != 4950 {
		t.Errorf("%d rows, sum %d after the repair", n, sum)
	}
}

func TestPanicOfUserCodeFailsTheTaskWithItsStack(t *testing.T) {
	build := func(job *dstream.Job) {
		job.Read("numbers", numbers{n: 10, step: 10}).Map(func(n int64) int64 { return 10 / (n - 5) }).Write("kept", &kept{})
	}
	_, err := run(t, build, testOptions(t))
	wants(t, err, "integer divide by zero", "jobs_test.go:", "Map")
	if strings.Contains(err.Error(), "rdd/map.go") {
		t.Errorf("the engine's frames are no use to the user:\n%v", err)
	}
}

func TestSlowSourceGivesAnEmptyRange(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the source for two seconds")
	}
	k, calls := &kept{}, atomic.Int64{}
	s := numbers{n: 10, step: 10, plan: func(ctx context.Context) error {
		if calls.Add(1) == 1 {
			select {
			case <-time.After(patience * 3 / 2):
			case <-ctx.Done():
			}
		}
		return nil
	}}
	batches, err := run(t, copies(s, k), testOptions(t))
	if err != nil {
		t.Fatal(err)
	}
	if !batches[0].Sources[0].Stalled {
		t.Error("the first batch does not show the source as stalled")
	}
	if n, _ := k.sum(); n != 10 {
		t.Errorf("%d rows", n)
	}
}

// tally is an accumulator that shares memory when it is copied.
type tally struct{ Seen map[int64]int64 }

func (t *tally) add(n int64) {
	if t.Seen == nil {
		t.Seen = map[int64]int64{}
	}
	t.Seen[n%2]++
}

func (t *tally) merge(o tally) {
	if t.Seen == nil {
		t.Seen = map[int64]int64{}
	}
	for k, n := range o.Seen {
		t.Seen[k] += n
	}
}

// TestStatefulTaskThatFailsLateCountsOnce lets each batch's stateful task fail once, after it has folded its rows: the attempt that
// counts must find the state of the batch before, and not what the failed one did to it.
func TestStatefulTaskThatFailsLateCountsOnce(t *testing.T) {
	k, failed := &kept{}, sync.Map{}
	build := func(job *dstream.Job) {
		job.Read("numbers", numbers{n: 1000, step: 100}).
			KeyBy(func(n int64) int64 { return n % 7 }).
			Window(dstream.Tumbling(1000*time.Hour)).
			Emit(dstream.OnChange).
			Aggregate((*tally).add, (*tally).merge).
			Map(func(key int64, _ dstream.Window, a tally) int64 {
				total := a.Seen[0] + a.Seen[1]
				if _, again := failed.LoadOrStore([2]int64{key, total}, true); !again {
					panic("the first attempt at this result")
				}
				return total
			}).Write("kept", k)
	}
	o := testOptions(t)
	o.Retries = 100 // each key of a task fails once
	if _, err := run(t, build, o); err != nil {
		t.Fatal(err)
	}
	most := map[int64]int64{}
	for _, rows := range k.rows {
		for _, n := range rows {
			most[n]++
		}
	}
	// 1,000 numbers in 7 classes: six of 143 and one of 142 are the last results.
	if most[143] < 6 || most[142] < 1 {
		t.Errorf("no key ends with 143 or 142 rows; results and how often: %v", most)
	}
	for n := range most {
		if n > 143 {
			t.Errorf("a key with %d rows: a failed attempt was counted", n)
		}
	}
}
