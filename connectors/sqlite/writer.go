package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/dstream"
)

// writer writes the rows of one transaction in their order.
type writer struct {
	file
	shape
	c     connection
	begun bool // a transaction is open
	skip  bool // count only: the rows are there
	n     int64

	put1, delete1 driver.Stmt // prepared when first needed
	args          []driver.NamedValue
	cells         []driver.Value
}

// close ends the statements, and rolls back what was not committed.
func (w *writer) close(failed bool) error {
	var errs []error
	for _, s := range []driver.Stmt{w.put1, w.delete1} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if failed && w.begun {
		errs = append(errs, run(context.Background(), w.c, "ROLLBACK")) // also when the write's context has ended
	}
	return errors.Join(errs...)
}

// put writes the rows of one chunk.
func (w *writer) put(ctx context.Context, out dstream.Output) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // the driver pays for a context that can end with a goroutine a statement
	rows := int(out.Record.NumRows())
	if w.skip {
		w.n += int64(rows)
		return nil
	}
	columns := make([]value, len(w.rows.Fields))
	for i, f := range w.rows.Fields {
		columns[i] = valuesOf(out.Record.Column(i), w.affinities[w.find(f.Name)])
	}
	for row := range rows {
		var err error
		if out.Deleted != nil && out.Deleted[row] {
			err = w.delete(ctx, columns, row)
		} else {
			err = w.upsert(ctx, columns, row)
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", w.n, err)
		}
		w.n++
	}
	return nil
}

func (w *writer) upsert(ctx context.Context, columns []value, row int) error {
	if w.put1 == nil {
		if err := w.prepare(ctx, &w.put1, w.upsertText()); err != nil {
			return err
		}
	}
	w.cells = w.cells[:0]
	for i, get := range columns {
		v, err := get(row)
		if err != nil {
			return fmt.Errorf("column %s: %w", w.rows.Fields[i].Name, err)
		}
		w.cells = append(w.cells, v)
	}
	return w.exec(ctx, w.put1)
}

func (w *writer) delete(ctx context.Context, columns []value, row int) error {
	if len(w.key) == 0 {
		return fmt.Errorf("a row is to be deleted, but the table has no primary key: tag the key's fields with col:\"name,key\"")
	}
	if w.delete1 == nil {
		q := "DELETE FROM " + quote(w.table) + " WHERE " + strings.Join(quoted(w.key), " = ? AND ") + " = ?"
		if err := w.prepare(ctx, &w.delete1, q); err != nil {
			return err
		}
	}
	w.cells = w.cells[:0]
	for _, k := range w.key {
		v, err := columns[w.field(k)](row)
		if err != nil {
			return fmt.Errorf("column %s: %w", k, err)
		}
		w.cells = append(w.cells, v)
	}
	return w.exec(ctx, w.delete1)
}

// field is the place of a column among the rows' fields, all of which fit.
func (w *writer) field(name string) int {
	for i, f := range w.rows.Fields {
		if strings.EqualFold(f.Name, name) {
			return i
		}
	}
	panic("sqlite: the table was found to fit, but the rows lack " + name)
}

func (w *writer) prepare(ctx context.Context, into *driver.Stmt, q string) (err error) {
	*into, err = w.c.PrepareContext(ctx, q)
	return err
}

func (w *writer) exec(ctx context.Context, s driver.Stmt) error {
	w.args = named(w.args, w.cells...)
	_, err := s.(driver.StmtExecContext).ExecContext(ctx, w.args)
	return err
}

func (w *writer) upsertText() string {
	var names, marks, sets []string
	for _, f := range w.rows.Fields {
		names, marks = append(names, quote(f.Name)), append(marks, "?")
		if !slices.ContainsFunc(w.key, func(k string) bool { return strings.EqualFold(k, f.Name) }) {
			sets = append(sets, quote(f.Name)+" = excluded."+quote(f.Name))
		}
	}
	q := "INSERT INTO " + quote(w.table) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	if len(w.key) == 0 {
		return q
	}
	q += " ON CONFLICT (" + strings.Join(quoted(w.key), ", ") + ") DO "
	if len(sets) == 0 {
		return q + "NOTHING"
	}
	return q + "UPDATE SET " + strings.Join(sets, ", ")
}
