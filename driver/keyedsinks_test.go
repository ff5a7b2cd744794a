package driver

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

// keyed is a sink of rows that one partition a key must write.
type keyed struct {
	kept
	by      []string
	most    int
	start   func(dstream.WriteID) error
	writers map[int64]map[int]bool // number → partitions that wrote it
	order   map[int64][]int64
}

type numbered struct {
	Number int64 `col:"number,partition"`
	Seen   int64 `col:"seen"`
}

func (k *keyed) By() []string    { return k.by }
func (k *keyed) Partitions() int { return k.most }

func (k *keyed) Start(_ context.Context, id dstream.WriteID) error {
	if k.start == nil {
		return nil
	}
	return k.start(id)
}

func (k *keyed) Write(_ context.Context, id dstream.WriteID, rows iter.Seq2[[]numbered, error]) (dstream.Receipt, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := int64(0)
	for chunk, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		for _, r := range chunk {
			if k.writers[r.Number] == nil {
				k.writers[r.Number] = map[int]bool{}
			}
			k.writers[r.Number][id.Partition] = true
			k.order[r.Number] = append(k.order[r.Number], r.Seen)
			n++
		}
	}
	return dstream.Receipt{Rows: n}, nil
}

// twoSplits gives every number twice, in two splits.
type twoSplits struct{ numbers }

func (s twoSplits) Plan(ctx context.Context, from dstream.Offsets, l dstream.Limit) (dstream.Range, error) {
	r, err := s.numbers.Plan(ctx, from, l)
	if len(r.Splits) == 1 {
		r.Splits = append(r.Splits, r.Splits[0])
		r.Splits[0].Name, r.Splits[1].Name = "a", "b"
	}
	return r, err
}

func keyedRows(k *keyed) func(*dstream.Job) {
	return func(job *dstream.Job) {
		seen := func(n int64) numbered { return numbered{n % 50, n} }
		job.Read("numbers", dstream.Source[int64](twoSplits{numbers{n: 400, step: 100}})).Map(seen).Write("out", dstream.Sink[numbered](k))
	}
}

func TestOneWriterAKey(t *testing.T) {
	for _, most := range []int{0, 1, 3} {
		k := &keyed{by: []string{"number"}, most: most, writers: map[int64]map[int]bool{}, order: map[int64][]int64{}}
		o := testOptions(t)
		o.Parallelism = 4
		if _, err := run(t, keyedRows(k), o); err != nil {
			t.Fatal(err)
		}
		partitions := map[int]bool{}
		for number, by := range k.writers {
			if len(by) != 1 {
				t.Errorf("most %d: %d was written by partitions %v", most, number, by)
			}
			for p := range by {
				partitions[p] = true
			}
			if len(k.order[number]) != 16 {
				t.Errorf("most %d: %d came %d times, want 16", most, number, len(k.order[number]))
			}
			// Each batch brings a key twice from split a, then twice from b, however the tasks were timed.
			if got := fmt.Sprint(k.order[number][:4]); got != fmt.Sprintf("[%d %d %d %d]", number, number+50, number, number+50) {
				t.Errorf("most %d: %d came in the order %v", most, number, got)
			}
		}
		if len(k.writers) != 50 || most != 1 && len(partitions) < 2 || most > 0 && len(partitions) > most {
			t.Errorf("most %d: %d keys in partitions %v", most, len(k.writers), partitions)
		}
	}
}

func TestOneWriterOfAColumnThatIsNotThere(t *testing.T) {
	k := &keyed{by: []string{"numer"}, writers: map[int64]map[int]bool{}, order: map[int64][]int64{}}
	o := testOptions(t)
	o.Parallelism = 4
	_, err := run(t, keyedRows(k), o)
	wants(t, err, `"numer"`, `did you mean "number"?`)
}

func TestSinkRefusesToStart(t *testing.T) {
	o := testOptions(t)
	var ids []dstream.WriteID
	k := &keyed{by: []string{"number"}, writers: map[int64]map[int]bool{}, order: map[int64][]int64{}}
	k.start = func(id dstream.WriteID) error { ids = append(ids, id); return nil }
	o.MaxBatches = 2
	if _, err := run(t, keyedRows(k), o); err != nil {
		t.Fatal(err)
	}
	k.start = func(id dstream.WriteID) error {
		ids = append(ids, id)
		return errors.New("its table has rows of the future")
	}
	all, err := run(t, keyedRows(k), o)
	if err == nil || !strings.Contains(err.Error(), `sink "out": its table has rows of the future`) || len(all) != 0 {
		t.Errorf("%d batches, %v", len(all), err)
	}
	if len(ids) != 2 || ids[0].Batch != 1 || ids[1].Batch != 3 || ids[1].Epoch != 2 || ids[1].Timestamp <= ids[0].Timestamp {
		t.Errorf("sinks were started with %+v", ids)
	}
}
