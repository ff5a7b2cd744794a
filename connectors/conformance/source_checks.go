package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

func sourceChecks[T any]() []sourceCheck[T] {
	return []sourceCheck[T]{
		{"all rows once", allRowsOnce[T]},
		{"splits join", splitsJoin[T]},
		{"plan again", planAgain[T]},
		{"read again", readAgain[T]},
		{"read in any order", readInAnyOrder[T]},
		{"limit", limited[T]},
		{"counts", counts[T]},
		{"dead letters", deadLetters[T]},
		{"end", staysEnded[T]},
		{"stop", stops[T]},
		{"killed between plan and read", killedBetween[T]},
		{"committed", committed[T]},
	}
}

// allRowsOnce: batches of any size bring each row of the input once.
func allRowsOnce[T any](r *inputRun[T]) error {
	return r.opened(func(c dstream.Connector) error {
		for _, limit := range []dstream.Limit{{}, r.cut(), {Rows: 3}, {Bytes: 200}} {
			steps, err := r.plan(c, nil, limit)
			if err != nil {
				return err
			}
			got, err := read[T](c, splitsOf(steps)...)
			if err == nil {
				err = r.complete(got)
			}
			if err != nil {
				return fmt.Errorf("limit %+v: %w", limit, err)
			}
		}
		return nil
	})
}

// splitsJoin: the splits of a name lie one behind the other, without gap and overlap, and none is empty.
func splitsJoin[T any](r *inputRun[T]) error {
	return r.opened(func(c dstream.Connector) error {
		if _, err := r.arrived(c); err != nil {
			return err
		}
		steps, err := r.plan(c, nil, r.cut())
		if err != nil {
			return err
		}
		end := map[string]int64{}
		for _, s := range splitsOf(steps) {
			if before, ok := end[s.Name]; ok && s.From != before {
				return fmt.Errorf("split %s begins at %d; the one before it ends at %d", s.Name, s.From, before)
			}
			if s.From >= s.To {
				return fmt.Errorf("split %s is empty: [%d, %d)", s.Name, s.From, s.To)
			}
			end[s.Name] = s.To
		}
		return nil
	})
}

// planAgain: from the same place, with the same input, the plan is the same, also in another process's place.
func planAgain[T any](r *inputRun[T]) error {
	var steps []step
	err := r.opened(func(c dstream.Connector) (err error) {
		if _, err = r.arrived(c); err == nil {
			steps, err = r.plan(c, nil, r.cut())
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.opened(func(c dstream.Connector) error {
		for i := len(steps) - 1; i >= 0; i-- { // the latest place first, as after a restart
			got, err := c.Plan(context.Background(), steps[i].from, r.cut())
			if err != nil {
				return err
			}
			want := steps[i].Range // but for Ended: a receiver that has just started cannot know it
			if !reflect.DeepEqual(got.Splits, want.Splits) || string(got.To) != string(want.To) {
				return fmt.Errorf("batch %d planned again: got %+v, want %+v", i, got, want)
			}
		}
		return nil
	})
}

// each reads the splits of a cut input one by one with a connector of its own.
func (r *inputRun[T]) each() ([]dstream.Split, []reading, error) {
	var splits []dstream.Split
	var out []reading
	err := r.opened(func(c dstream.Connector) error {
		if _, err := r.arrived(c); err != nil {
			return err
		}
		steps, err := r.plan(c, nil, r.cut())
		if err != nil {
			return err
		}
		for splits = splitsOf(steps); len(out) < len(splits); {
			got, err := read[T](c, splits[len(out)])
			if err != nil {
				return err
			}
			out = append(out, got)
		}
		return nil
	})
	return splits, out, err
}

// readAgain: a split gives the same rows in the same order, also to another connector.
func readAgain[T any](r *inputRun[T]) error {
	splits, want, err := r.each()
	if err != nil {
		return err
	}
	return r.opened(func(c dstream.Connector) error {
		for i, s := range splits {
			got, err := read[T](c, s)
			if err != nil {
				return err
			}
			if !reflect.DeepEqual(got, want[i]) {
				return fmt.Errorf("split %s [%d, %d) read again gave %d rows, the first time %d, or others", s.Name, s.From, s.To, len(got.rows), len(want[i].rows))
			}
		}
		return nil
	})
}

// readInAnyOrder: splits may be read backwards and at the same time.
func readInAnyOrder[T any](r *inputRun[T]) error {
	splits, want, err := r.each()
	if err != nil {
		return err
	}
	return r.opened(func(c dstream.Connector) error {
		var wg sync.WaitGroup
		errs := make([]error, len(splits))
		for i, s := range slices.Backward(splits) {
			wg.Go(func() {
				got, err := read[T](c, s)
				if errs[i] = err; err == nil && !reflect.DeepEqual(got, want[i]) {
					errs[i] = fmt.Errorf("split %s [%d, %d) read beside others gave other rows", s.Name, s.From, s.To)
				}
			})
		}
		wg.Wait()
		return errors.Join(errs...)
	})
}

// limited: a batch takes no more rows than its limit and the slack, and always goes on.
func limited[T any](r *inputRun[T]) error {
	return r.opened(func(c dstream.Connector) error {
		if _, err := r.arrived(c); err != nil {
			return err
		}
		steps, err := r.plan(c, nil, r.cut())
		if err != nil {
			return err
		}
		for i, s := range steps {
			got, err := read[T](c, s.Splits...)
			if err != nil {
				return err
			}
			if most := r.cut().Rows + r.Slack; got.fetched > most {
				return fmt.Errorf("batch %d took %d rows, at most %d are allowed", i, got.fetched, most)
			}
		}
		return nil
	})
}

// counts: what was fetched was delivered or rejected.
func counts[T any](r *inputRun[T]) error {
	_, all, err := r.each()
	for _, got := range all {
		if got.fetched != int64(len(got.rows)+len(got.bad)) {
			return fmt.Errorf("fetched %d, delivered %d, rejected %d", got.fetched, len(got.rows), len(got.bad))
		}
	}
	return err
}

// deadLetters: a bad record comes with its place, its bytes and a reason, and an error of Reject comes back.
func deadLetters[T any](r *inputRun[T]) error {
	splits, all, err := r.each()
	if err != nil {
		return err
	}
	places := map[string]bool{}
	for i, got := range all {
		for _, b := range got.bad {
			if b.Position == "" || b.Reason == "" || len(b.Bytes) == 0 {
				return fmt.Errorf("a bad record without position, reason or bytes: %+v", b)
			}
			if places[b.Position] {
				return fmt.Errorf("two bad records at %s", b.Position)
			}
			places[b.Position] = true
		}
		if len(got.bad) == 0 {
			continue
		}
		if err := r.opened(func(c dstream.Connector) error { return refused[T](c, splits[i]) }); err != nil {
			return err
		}
	}
	return nil
}

func refused[T any](c dstream.Connector, s dstream.Split) error {
	no := errors.New("no dead letters here")
	b, err := rdd.NewBuilder[T](13, func(rdd.Chunk) bool { return true })
	if err != nil {
		return err
	}
	_, err = c.Read(context.Background(), s, &dstream.Reader{Builder: b, Reject: func(dstream.BadRecord) error { return no }})
	if !errors.Is(err, no) {
		return fmt.Errorf("an error of Reject became %v", err)
	}
	return nil
}

// staysEnded: nothing comes behind the end, and an empty plan does not move.
func staysEnded[T any](r *inputRun[T]) error {
	return r.opened(func(c dstream.Connector) error {
		steps, err := r.arrived(c)
		if err != nil || len(steps) == 0 {
			return err
		}
		last := steps[len(steps)-1]
		got, err := c.Plan(context.Background(), last.To, dstream.Limit{})
		if err != nil {
			return err
		}
		if len(got.Splits) > 0 || got.Ended == r.Endless {
			return fmt.Errorf("behind the end: %+v", got)
		}
		return nil
	})
}

// stops: Read ends when the consumer wants no more, or the context has ended, and says so.
func stops[T any](r *inputRun[T]) error {
	splits, all, err := r.each()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(got reading) bool { return len(got.rows) >= 2 })
	if i < 0 {
		return nil
	}
	return r.opened(func(c dstream.Connector) error {
		b, err := rdd.NewBuilder[T](1, func(rdd.Chunk) bool { return false })
		if err != nil {
			return err
		}
		ignore := func(dstream.BadRecord) error { return nil }
		if _, err := c.Read(context.Background(), splits[i], &dstream.Reader{Builder: b, Reject: ignore}); !errors.Is(err, rdd.ErrStopped) {
			return fmt.Errorf("the consumer stopped, and Read returned %v", err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if b, err = rdd.NewBuilder[T](13, func(rdd.Chunk) bool { return true }); err != nil {
			return err
		}
		if _, err := c.Read(ctx, splits[i], &dstream.Reader{Builder: b, Reject: ignore}); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("the context ended, and Read returned %v", err)
		}
		return nil
	})
}

// half is what the child does before it is killed: it plans the input and reads half of it.
func (in Input[T]) half(t testing.TB) {
	r := &inputRun[T]{in, t.Name(), os.Getenv(envFolder)}
	c, err := r.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.arrived(c); err != nil {
		t.Fatal(err)
	}
	steps, err := r.plan(c, nil, r.cut())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read[T](c, steps[0].Splits...); err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(steps[:(len(steps)+1)/2])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv(envAnswer), answer, 0o600); err != nil {
		t.Fatal(err)
	}
	waitForDeath()
}

// killedBetween: a process that was killed has planned batches; another one reads them and goes on.
func killedBetween[T any](r *inputRun[T]) error {
	answer, err := kill(r.test, "source", r.dir)
	if err != nil {
		return err
	}
	var planned []struct{ dstream.Range }
	if err := json.Unmarshal(answer, &planned); err != nil {
		return fmt.Errorf("the child's plans: %w", err)
	}
	return r.opened(func(c dstream.Connector) error {
		var splits []dstream.Split
		var at dstream.Offsets
		for _, p := range planned {
			splits, at = append(splits, p.Splits...), p.To
		}
		first, err := read[T](c, splits...)
		if err != nil {
			return fmt.Errorf("read what a killed process had planned: %w", err)
		}
		steps, err := r.plan(c, at, r.cut())
		if err != nil {
			return fmt.Errorf("go on behind it: %w", err)
		}
		rest, err := read[T](c, splitsOf(steps)...)
		if err != nil {
			return err
		}
		first.rows, first.bad = append(first.rows, rest.rows...), append(first.bad, rest.bad...)
		return r.complete(first)
	})
}

// committed: what was committed may go; what comes behind it stays.
func committed[T any](r *inputRun[T]) error {
	return r.opened(func(c dstream.Connector) error {
		if _, err := r.arrived(c); err != nil {
			return err
		}
		steps, err := r.plan(c, nil, r.cut())
		if err != nil {
			return err
		}
		got, err := read[T](c, splitsOf(steps[:len(steps)/2])...)
		if err != nil {
			return err
		}
		if w, ok := c.(dstream.Watched); ok && len(steps) > 1 {
			if err := w.Committed(context.Background(), steps[len(steps)/2-1].To); err != nil {
				return err
			}
		}
		rest, err := read[T](c, splitsOf(steps[len(steps)/2:])...)
		if err != nil {
			return err
		}
		got.rows, got.bad = append(got.rows, rest.rows...), append(got.bad, rest.bad...)
		return r.complete(got)
	})
}
