package conformance

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/tidemill/tidemill/dstream"
)

// The half of a batch after which a child is killed.
const (
	killWithin    = "within write"
	killWritten   = "between write and finish"
	killCommitted = "between finish and commit"
)

func sinkChecks[T any]() []sinkCheck[T] {
	return []sinkCheck[T]{
		{"rows and receipts", false, rowsAndReceipts[T]},
		{"partitions", false, partitions[T]},
		{"failing rows", false, failingRows[T]},
		{"cancelled", false, cancelled[T]},
		{"same write twice", true, sameWriteTwice[T]},
		{"two attempts", true, twoAttempts[T]},
		{"older batch", true, olderBatch[T]},
		{"older epoch", true, olderEpoch[T]},
		{"planned anew", true, plannedAnew[T]},
		{"killed " + killWithin, true, killed[T](killWithin)},
		{"killed " + killWritten, true, killed[T](killWritten)},
		{"killed " + killCommitted, true, killed[T](killCommitted)},
		{"last of a key", true, lastOfKey[T]},
		{"deletes", true, deletes[T]},
	}
}

// rowsAndReceipts: batches arrive with all rows, and so do empty ones; receipts count them.
func rowsAndReceipts[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		for n, rows := range [][]T{r.rowsOf(0, 7), nil, r.rowsOf(7, 8)} {
			if _, err := commit(s, batch(int64(n+1), 1, rows...)); err != nil {
				return err
			}
		}
		return r.sees(r.rowsOf(0, 8)...)
	})
}

// partitions: several partitions of a batch may be written at the same time, one of them empty.
func partitions[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		receipts, errs := make([]dstream.Receipt, 3), make([]error, 3)
		slots := make(chan struct{}, 3)
		if l, ok := s.(dstream.Limited); ok && l.Partitions() > 0 {
			slots = make(chan struct{}, min(3, l.Partitions()))
		}
		var wg sync.WaitGroup
		for p, rows := range [][]T{r.rowsOf(0, 5), nil, r.rowsOf(5, 9)} {
			wg.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				w := batch(1, 1, rows...)
				w.id.Partition, w.id.Partitions = p, 3
				receipts[p], errs[p] = w.to(s)
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if err := finish(s, batch[T](1, 1).id, receipts); err != nil {
			return err
		}
		return r.sees(r.rowsOf(0, 9)...)
	})
}

// failingRows: an error of the rows comes back as it is, and what came before it is not seen.
func failingRows[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		w := batch(1, 1, r.rowsOf(0, 9)...)
		w.err = errors.New("the rows end here")
		if _, err := w.to(s); !errors.Is(err, w.err) {
			return fmt.Errorf("an error of the rows became %v", err)
		}
		if guaranteeOf(s) == dstream.ExactlyOnce {
			if err := r.sees(); err != nil {
				return fmt.Errorf("after a write that failed: %w", err)
			}
		}
		w.err = nil
		w.id.Attempt++
		if _, err := commit(s, w); err != nil {
			return fmt.Errorf("another attempt: %w", err)
		}
		if guaranteeOf(s) == dstream.AtLeastOnce {
			return nil
		}
		return r.sees(w.rows...)
	})
}

// cancelled: a write ends with its context.
func cancelled[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		ctx, cancel := context.WithCancel(context.Background())
		w := batch(1, 1, r.rowsOf(0, 9)...)
		w.stop = cancel
		if _, err := s.Write(ctx, w.id, w.chunks()); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("the context ended, and Write returned %v", err)
		}
		w.stop = nil
		_, err := commit(s, w)
		return err
	})
}

// sameWriteTwice: the second time changes nothing and gives the same receipt, also from another connection.
func sameWriteTwice[T any](r *outletRun[T]) error {
	w := batch(1, 1, r.rowsOf(0, 7)...)
	var first []dstream.Receipt
	for attempt := range 3 {
		err := r.opened(func(s dstream.RecordSink) error {
			w.id.Attempt = attempt
			w.id.Epoch = 1 + int64(attempt/2)
			got, err := commit(s, w)
			if err == nil && attempt > 0 && !reflect.DeepEqual(got, first) {
				err = fmt.Errorf("receipt %+v, the first time %+v", got, first)
			}
			first = got
			return err
		})
		if err == nil {
			err = r.sees(w.rows...)
		}
		if err != nil {
			return fmt.Errorf("time %d: %w", attempt+1, err)
		}
	}
	return nil
}

// twoAttempts: two attempts at one partition at the same time leave its rows once.
func twoAttempts[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		receipts, errs := make([]dstream.Receipt, 2), make([]error, 2)
		var wg sync.WaitGroup
		for a := range 2 {
			wg.Go(func() {
				w := batch(1, 1, r.rowsOf(0, 9)...)
				w.id.Attempt = a
				receipts[a], errs[a] = w.to(s)
			})
		}
		wg.Wait()
		granted := slices.IndexFunc(errs, func(err error) bool { return err == nil })
		if granted < 0 {
			return errors.Join(errs...)
		}
		if err := finish(s, batch[T](1, 1).id, receipts[granted:granted+1]); err != nil {
			return err
		}
		return r.sees(r.rowsOf(0, 9)...)
	})
}

// olderBatch: batch 1 again, behind batch 2, is refused or changes nothing, even if it has other rows now.
func olderBatch[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		before := r.rowsOf(0, 3)
		for n, rows := range [][]T{before, r.rowsOf(3, 6)} {
			if _, err := commit(s, batch(int64(n+1), 1, rows...)); err != nil {
				return err
			}
		}
		_, _ = commit(s, batch(1, 1, before...))
		if err := r.sees(r.rowsOf(0, 6)...); err != nil || r.Same == nil {
			return err
		}
		if _, err := commit(s, batch(3, 1, r.Same(0))); err != nil {
			return err
		}
		_, _ = commit(s, batch(1, 1, before...))
		return r.sees(append(r.rowsOf(1, 6), r.Same(0))...)
	})
}

// olderEpoch: what a driver that was overtaken still writes is refused or not seen.
func olderEpoch[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		if _, err := commit(s, batch(1, 2, r.rowsOf(0, 5)...)); err != nil {
			return err
		}
		stale := batch(1, 1, r.rowsOf(50, 53)...)
		stale.id.Timestamp += 500 // by the order of timestamps alone it would be a new plan
		_, refused := stale.to(s)
		if err := r.sees(r.rowsOf(0, 5)...); err != nil {
			return fmt.Errorf("after the write of an older epoch (its error: %v): %w", refused, err)
		}
		if _, err := commit(s, batch(2, 2, r.rowsOf(5, 6)...)); err != nil {
			return err
		}
		return r.sees(r.rowsOf(0, 6)...)
	})
}

// plannedAnew: a batch whose plan was given up has its number again, and a later timestamp, and is written with the rows that it
// has now. The new ones include the old, since what the old plan alone has written may remain.
func plannedAnew[T any](r *outletRun[T]) error {
	return r.opened(func(s dstream.RecordSink) error {
		if _, err := commit(s, batch(1, 1, r.rowsOf(0, 3)...)); err != nil {
			return err
		}
		if _, err := batch(2, 1, r.rowsOf(3, 6)...).to(s); err != nil {
			return err
		}
		anew := batch(2, 2, r.rowsOf(3, 10)...)
		anew.id.Timestamp += 1000
		if _, err := commit(s, anew); err != nil {
			return err
		}
		return r.sees(r.rowsOf(0, 10)...)
	})
}

// killed: a process dies in the middle of batch 2; the next epoch redoes it, and each row is there once.
func killed[T any](when string) func(*outletRun[T]) error {
	return func(r *outletRun[T]) error {
		if _, err := kill(r.test, when, r.dir); err != nil {
			return err
		}
		if r.Read != nil {
			got, err := r.Read(r.dir)
			if err != nil {
				return err
			}
			if err := subset(asText(got), asText(r.rowsOf(0, 12))); err != nil {
				return err
			}
			if when == killWithin {
				if err := r.sees(r.rowsOf(0, 4)...); err != nil {
					return fmt.Errorf("after the kill: %w", err)
				}
			}
		}
		return r.opened(func(s dstream.RecordSink) error {
			if _, err := commit(s, batch(2, 2, r.rowsOf(4, 12)...)); err != nil {
				return fmt.Errorf("redo: %w", err)
			}
			if err := r.sees(r.rowsOf(0, 12)...); err != nil {
				return fmt.Errorf("after the redo: %w", err)
			}
			_, err := commit(s, batch(3, 2, r.rowsOf(12, 13)...))
			return errors.Join(err, r.sees(r.rowsOf(0, 13)...))
		})
	}
}

// lastOfKey: of rows with one key the last counts, within a batch and from batch to batch.
func lastOfKey[T any](r *outletRun[T]) error {
	if r.Same == nil {
		return nil
	}
	return r.opened(func(s dstream.RecordSink) error {
		if _, err := commit(s, batch(1, 1, r.Row(0), r.Row(1), r.Same(0), r.Row(2))); err != nil {
			return err
		}
		if err := r.sees(r.Same(0), r.Row(1), r.Row(2)); err != nil {
			return err
		}
		if _, err := commit(s, batch(2, 1, r.Same(1), r.Row(0))); err != nil {
			return err
		}
		return r.sees(r.Row(0), r.Same(1), r.Row(2))
	})
}

// deletes: a row that is deleted takes its key away, and one behind it brings it back.
func deletes[T any](r *outletRun[T]) error {
	if r.Same == nil {
		return nil
	}
	return r.opened(func(s dstream.RecordSink) error {
		if _, err := commit(s, batch(1, 1, r.rowsOf(0, 4)...)); err != nil {
			return err
		}
		w := batch(2, 1, r.Row(0), r.Row(1), r.Same(1), r.Row(9), r.Row(5), r.Row(5))
		w.deleted = []bool{true, true, false, true, false, true}
		for range 2 {
			if _, err := commit(s, w); err != nil {
				return err
			}
			if err := r.sees(r.Same(1), r.Row(2), r.Row(3)); err != nil {
				return err
			}
		}
		return nil
	})
}
