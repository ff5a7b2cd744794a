package rdd_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

func TestTakeStopsEarly(t *testing.T) {
	given := 0
	r := numbers(100_000, 0, &given)
	for _, n := range []int{-1, 0, 1, 4096, 4097, 1_000_000} {
		given = 0
		got, err := r.Take(t.Context(), n)
		if err != nil || len(got) != min(max(n, 0), 200_000) {
			t.Errorf("Take(%d): %d rows, %v", n, len(got), err)
		}
		chunks := (min(max(n, 0), 100_000) + 4095) / 4096
		if most := 2 * chunks * 4096; given > most {
			t.Errorf("Take(%d) computed %d rows, want at most %d", n, given, most)
		}
	}
}

func TestActions(t *testing.T) {
	ctx := t.Context()
	r := rdd.Of(3, many(10_000)...)
	if n, err := r.Count(ctx); n != 10_000 || err != nil {
		t.Error(n, err)
	}
	if n, err := r.Filter(func(int64) bool { return false }).Count(ctx); n != 0 || err != nil {
		t.Error(n, err)
	}
	if v, ok, err := r.Reduce(ctx, add); v != 49_995_000 || !ok || err != nil {
		t.Error(v, ok, err)
	}
	if v, ok, err := rdd.Of[int64](2).Reduce(ctx, add); v != 0 || ok || err != nil {
		t.Error(v, ok, err)
	}
	sum, stop := int64(0), errors.New("stop")
	err := r.ForEach(ctx, func(v int64) error {
		if sum += v; v == 10 {
			return stop
		}
		return nil
	})
	if sum != 55 || !errors.Is(err, stop) {
		t.Error(sum, err)
	}
	if got, err := rdd.Glom(rdd.Of(3, many(7)...)).Collect(ctx); len(got) != 3 || len(got[0])+len(got[1])+len(got[2]) != 7 || err != nil {
		t.Error(got, err)
	}
}

func TestActionsReportErrors(t *testing.T) {
	ctx := t.Context()
	broken := ints(1).Repartition(0)
	_, e1 := broken.Collect(ctx)
	_, e2 := broken.Take(ctx, 5)
	n, e3 := broken.Count(ctx)
	_, ok, e4 := broken.Reduce(ctx, add)
	var b *rdd.BuildError
	for i, err := range []error{e1, e2, e3, e4} {
		if !errors.As(err, &b) || b.Kind != "Repartition" {
			t.Errorf("action %d: %v", i, err)
		}
	}
	if n != 0 || ok {
		t.Error(n, ok)
	}
}

// recorder is a runner that notes what it is asked for.
type recorder struct {
	rdd.Runner
	kinds []string
}

func (r *recorder) Collect(ctx context.Context, n *rdd.Node) ([]rdd.Chunk, error) {
	r.kinds = append(r.kinds, n.Kind)
	return r.Runner.Collect(ctx, n)
}

func TestActionsUseTheContextsRunner(t *testing.T) {
	run := &recorder{Runner: rdd.Local()}
	ctx := rdd.WithRunner(t.Context(), run)
	if rdd.RunnerOf(ctx) != rdd.Runner(run) {
		t.Error("RunnerOf returns another one")
	}
	r := ints(2)
	_, e1 := r.Collect(ctx)
	_, e2 := r.Count(ctx)
	_, e3 := r.Take(ctx, 1)
	if err := errors.Join(e1, e2, e3); err != nil || !slices.Equal(run.kinds, []string{"Of", "Count", "MapPartitions"}) {
		t.Error(run.kinds, err)
	}
}

func TestLocalComputesCachedDatasetsOnce(t *testing.T) {
	given := 0
	ctx := rdd.WithRunner(t.Context(), rdd.Local())
	cached := numbers(10, 0, &given).Cache()
	for range 3 {
		if n, err := cached.Filter(even).Count(ctx); n != 10 || err != nil {
			t.Fatal(n, err)
		}
	}
	if given != 20 {
		t.Errorf("%d rows were computed, want 20", given)
	}
}

func TestAsRefusesOtherTypes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a dataset of int64 was taken for one of strings")
		}
	}()
	rdd.As[string](ints(1).Node())
}

func TestOfMoreOrLessPartitionsThanRows(t *testing.T) {
	for _, parts := range []int{-1, 0, 1, 2, 5, 9} {
		got, err := rdd.Of(parts, many(5)...).Collect(t.Context())
		if err != nil || !slices.Equal(got, many(5)) {
			t.Errorf("%d partitions: %v, %v", parts, got, err)
		}
	}
}
