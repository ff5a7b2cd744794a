package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/tidemill/tidemill/dstream"
)

// Sink upserts rows into a table. It is safe for concurrent use.
type Sink struct {
	file
	db *sql.DB
}

// openSink checks a table that is already there; what is not there is made by the first write.
func openSink(e dstream.Endpoint) (*Sink, error) {
	f, err := parse(e)
	if err != nil {
		return nil, err
	}
	if err := f.checkExisting(); err != nil {
		return nil, err
	}
	return &Sink{f, f.open("rwc")}, nil
}

func (f file) checkExisting() error {
	if _, err := os.Stat(f.path); err != nil {
		return nil
	}
	db := f.open("ro")
	defer db.Close()
	return f.with(context.Background(), db, func(c connection) error {
		s, err := shapeOf(context.Background(), c, f.table)
		if err != nil || len(s.columns) == 0 {
			return err
		}
		return f.fits(s)
	})
}

func (f file) fits(s shape) error {
	if d := s.differs(f.rows); d != "" {
		return fmt.Errorf("the table does not fit rows of %s: %s: change the type, or name another table", f.rows.Type, d)
	}
	return nil
}

// with calls do with a connection of its own and explains its error.
func (f file) with(ctx context.Context, db *sql.DB, do func(c connection) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return f.explain(err)
	}
	defer conn.Close()
	return f.explain(conn.Raw(func(c any) error { return do(c.(connection)) }))
}

// Guarantee is ExactlyOnce: rows and marker are one transaction.
func (s *Sink) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

// Partitions is 1: SQLite has one writer.
func (s *Sink) Partitions() int { return 1 }

// Close closes the file.
func (s *Sink) Close() error { return s.db.Close() }

// Write puts the rows of a batch and its marker into one transaction.
func (s *Sink) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	var done dstream.Receipt
	err := s.with(ctx, s.db, func(c connection) error { return s.write(ctx, c, id, rows, &done) })
	if err != nil {
		return dstream.Receipt{}, err
	}
	return done, nil
}

func (s *Sink) write(ctx context.Context, c connection, id dstream.WriteID, rows iter.Seq2[dstream.Output, error], done *dstream.Receipt) (err error) {
	if err := run(ctx, c, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil { // also when ctx has ended
			err = errors.Join(err, run(context.WithoutCancel(ctx), c, "ROLLBACK"))
		}
	}()
	shape, err := s.ready(ctx, c)
	if err != nil {
		return err
	}
	w := &writer{c: c, keys: shape.key, file: s.file, shape: shape}
	defer func() { err = errors.Join(err, w.close()) }()
	w.skip, err = seen(ctx, c, id)
	if err != nil {
		return err
	}
	for out, err := range rows {
		if err != nil {
			return err
		}
		if err := w.put(ctx, out); err != nil {
			return err
		}
	}
	done.Rows = w.n
	if w.skip {
		return run(ctx, c, "ROLLBACK")
	}
	if err := mark(ctx, c, id); err != nil {
		return err
	}
	return run(ctx, c, "COMMIT")
}

// ready makes what is missing, within the transaction, and returns the table's columns.
func (s *Sink) ready(ctx context.Context, c connection) (shape, error) {
	if err := run(ctx, c, createMarkers); err != nil {
		return shape{}, err
	}
	t, err := shapeOf(ctx, c, s.table)
	if err != nil {
		return t, err
	}
	if len(t.columns) > 0 {
		return t, s.fits(t)
	}
	if err := run(ctx, c, create(s.table, s.rows)); err != nil {
		return t, err
	}
	return shapeOf(ctx, c, s.table)
}

func run(ctx context.Context, c connection, q string, args ...driver.Value) error {
	_, err := c.ExecContext(ctx, q, named(nil, args...))
	return err
}
