package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync/atomic"

	"github.com/tidemill/tidemill/dstream"
)

// Sink upserts rows into a table. It is safe for concurrent use.
type Sink struct {
	file
	db    *sql.DB
	known atomic.Pointer[shape] // of the table, once something was committed to it
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
	return &Sink{file: f, db: f.open("rwc")}, nil
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

// Write puts the rows of a batch and its marker into one transaction. A batch without rows does not touch the file.
func (s *Sink) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	var done dstream.Receipt
	err := s.with(ctx, s.db, func(c connection) (err error) {
		w := &writer{file: s.file, c: c}
		defer func() { err = errors.Join(err, w.close(err != nil)) }()
		for out, err := range rows {
			if err != nil {
				return err
			}
			if out.Record.NumRows() == 0 {
				continue
			}
			if !w.begun {
				err = s.begin(ctx, w, id)
			}
			if err == nil {
				err = w.put(ctx, out)
			}
			if err != nil {
				return err
			}
		}
		done.Rows = w.n
		return s.end(ctx, w, id)
	})
	if err != nil {
		return dstream.Receipt{}, err
	}
	return done, nil
}

// begin opens the transaction, and finds out whether there is anything to write.
func (s *Sink) begin(ctx context.Context, w *writer, id dstream.WriteID) (err error) {
	if err := run(ctx, w.c, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	w.begun = true
	if known := s.known.Load(); known != nil {
		w.shape = *known
	} else if w.shape, err = s.ready(ctx, w.c); err != nil {
		return err
	}
	w.skip, err = seen(ctx, w.c, id)
	return err
}

// end commits what was written.
func (s *Sink) end(ctx context.Context, w *writer, id dstream.WriteID) error {
	switch {
	case !w.begun:
		return nil
	case w.skip:
		w.begun = false
		return run(ctx, w.c, "ROLLBACK")
	}
	if err := mark(ctx, w.c, id); err != nil {
		return err
	}
	if err := run(ctx, w.c, "COMMIT"); err != nil {
		return err
	}
	w.begun = false
	s.known.Store(&w.shape) // not before: the table may have been made in this transaction
	return nil
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
