package dstream_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
	"github.com/tidemill/tidemill/rdd"
)

// journal is where bodies write what they see.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

// forEach runs a body over batches and returns the error that the job ended with.
func forEach(t *testing.T, f func(dstream.Context, rdd.RDD[int]) error, batches ...[]int) error {
	run := dstreamtest.Start(t, func(job *dstream.Job) { job.Source[int]("ints").ForEach("body", f) }, dstreamtest.Options{})
	for _, b := range batches {
		run.Send("ints", b...)
		if err := run.RunError(1); err != nil {
			return err
		}
	}
	return nil
}

func TestForEachRunsActions(t *testing.T) {
	var j journal
	err := forEach(t, func(c dstream.Context, r rdd.RDD[int]) error {
		n, err := r.Count(c)
		if err != nil {
			return err
		}
		big, err := r.Filter(func(v int) bool { return v > int(n) }).Collect(c) // the second action depends on the first
		if err != nil {
			return err
		}
		first, err := r.Take(c, 1)
		if err != nil {
			return err
		}
		sum, ok, err := r.Reduce(c, func(a, b int) int { return a + b })
		if err != nil {
			return err
		}
		slices.Sort(big)
		return c.Driver(func() error {
			j.add("%s: %d rows, above %v, first %v, sum %d %v", c.Batch.Format("05"), n, big, first, sum, ok)
			return nil
		})
	}, []int{1, 2, 3, 4, 5}, nil, []int{7})
	want := []string{"01: 5 rows, above [], first [1], sum 15 true", "02: 0 rows, above [], first [], sum 0 false", "03: 1 rows, above [7], first [7], sum 7 true"}
	if err != nil || !slices.Equal(j.lines, want) {
		t.Errorf("%v\n%s", err, strings.Join(j.lines, "\n"))
	}
}

func TestForEachDefersEverywhere(t *testing.T) {
	var begun, deferred, driven journal
	err := forEach(t, func(c dstream.Context, r rdd.RDD[int]) error {
		begun.add("")
		defer deferred.add("")
		if _, err := r.Count(c); err != nil {
			return err
		}
		_, err := r.Collect(c)
		return errors.Join(err, c.Driver(func() error { driven.add(""); return nil }))
	}, []int{1, 2})
	if err != nil || len(begun.lines) != len(deferred.lines) || len(driven.lines) != 1 {
		t.Errorf("%v: begun %d times, deferred functions ran %d times, the driver's function %d times", err, len(begun.lines), len(deferred.lines), len(driven.lines))
	}
}

func TestForEachActionInDefer(t *testing.T) {
	var j journal
	err := forEach(t, func(c dstream.Context, r rdd.RDD[int]) (err error) {
		defer func() {
			rows, failed := r.Map(func(v int) int { return -v }).Collect(c)
			err = errors.Join(err, failed, c.Driver(func() error { j.add("%v", rows); return nil }))
		}()
		_, err = r.Count(c)
		return err
	}, []int{1, 2})
	if err != nil || !slices.Equal(j.lines, []string{"[-1 -2]"}) {
		t.Errorf("%v %v", err, j.lines)
	}
}

func TestForEachFails(t *testing.T) {
	calls := 0
	for _, c := range []struct {
		name string
		f    func(dstream.Context, rdd.RDD[int]) error
		want []string
	}{
		{"error", func(dstream.Context, rdd.RDD[int]) error { return errors.New("no space for it") }, []string{"foreach_test.go:", `ForEach "body"`, "no space for it"}},
		{"panic", func(dstream.Context, rdd.RDD[int]) error { panic("boom") }, []string{"foreach_test.go:", "boom", "dstream_test.TestForEachFails"}},
		{"driver", func(c dstream.Context, _ rdd.RDD[int]) error {
			return c.Driver(func() error { return errors.New("refused") })
		}, []string{`ForEach "body"`, "refused"}},
		{"goroutine", func(c dstream.Context, r rdd.RDD[int]) error {
			errs := make(chan error)
			for range 2 {
				go func() { _, err := r.Count(c); errs <- err }()
			}
			return errors.Join(<-errs, <-errs)
		}, []string{"must not overlap", "foreach_test.go:"}},
		{"row", func(c dstream.Context, r rdd.RDD[int]) error {
			_, err := r.Map(func(v int) int { return 1 / (v - 1) }).Collect(c)
			return err
		}, []string{"divide by zero", "foreach_test.go:"}},
		{"nondeterministic", func(c dstream.Context, r rdd.RDD[int]) error {
			if calls++; calls > 1 { // it is the worker's turn
				return nil
			}
			_, err := r.Count(c)
			return err
		}, []string{"must do the same on driver and workers", `ForEach "body"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := forEach(t, c.f, []int{1})
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v; want %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "goroutine 1") || strings.Contains(err.Error(), "runtime.Goexit") {
				t.Errorf("an engine's trace: %v", err)
			}
		})
	}
}

func TestForEachRandomIsTheSameOnWorkers(t *testing.T) {
	var j journal
	err := forEach(t, func(c dstream.Context, r rdd.RDD[int]) error {
		limit := c.Rand().IntN(1000)
		_, err := r.Filter(func(v int) bool { return v < limit }).Count(c)
		j.add("%d", limit)
		return err
	}, []int{1, 2})
	if err != nil || len(slices.Compact(j.lines)) != 1 {
		t.Errorf("%v %v", err, j.lines)
	}
}
