package cassandra

import (
	"context"

	"github.com/gocql/gocql"
	"golang.org/x/sync/errgroup"
)

// batches writes rows as a person would who knows what is fast: one unlogged batch for each partition, so many at a time.
func batches(s *gocql.Session, rows []Row, inFlight int, timestamp int64) error {
	return spread(inFlight, rows, func(part []Row) error {
		b := s.NewBatch(gocql.UnloggedBatch).WithTimestamp(timestamp)
		b.Entries = make([]gocql.BatchEntry, len(part))
		for i, r := range part {
			b.Entries[i] = gocql.BatchEntry{Stmt: insert, Args: []any{r.Bucket, r.Seq, r.Body, r.Run}, Idempotent: true}
		}
		return s.ExecuteBatch(b)
	})
}

// singles writes rows one by one, by so many writers.
func singles(s *gocql.Session, rows []Row, writers int, timestamp int64) error {
	return spread(writers, rows, func(part []Row) error {
		for _, r := range part {
			q := s.Query(insert, r.Bucket, r.Seq, r.Body, r.Run).WithTimestamp(timestamp)
			err := q.Exec()
			q.Release()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// spread gives partitions to so many goroutines. The first error ends all.
func spread(goroutines int, rows []Row, write func(part []Row) error) error {
	parts := make(chan []Row)
	all, ctx := errgroup.WithContext(context.Background())
	for range goroutines {
		all.Go(func() error {
			for part := range parts {
				if err := write(part); err != nil {
					return err
				}
			}
			return nil
		})
	}
	all.Go(func() error {
		defer close(parts)
		for len(rows) > 0 {
			n := min(rowsOfPartition, len(rows))
			select {
			case parts <- rows[:n]:
			case <-ctx.Done():
				return nil
			}
			rows = rows[n:]
		}
		return nil
	})
	return all.Wait()
}
