package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	engine "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"
)

func init() {
	dstream.RegisterSink("sqlite", func(e dstream.Endpoint) (dstream.RecordSink, error) { return openSink(e) })
	dstream.RegisterSource("sqlite", func(e dstream.Endpoint) (dstream.Connector, error) { return openSource(e) })
}

// file is what an endpoint's URL says.
type file struct {
	path, table string
	patience    time.Duration
	rows        *codec.Codec
}

func parse(e dstream.Endpoint) (file, error) {
	p := param.Of(e.URL)
	f := file{table: p.String("table", e.Name), patience: p.Duration("busy_timeout", 10*time.Second, 0), rows: e.Rows}
	if err := p.Err(); err != nil {
		return f, err
	}
	var err error
	if f.path, err = param.Path(e.URL); err != nil {
		return f, err
	}
	if len(e.Rows.Fields) == 0 {
		return f, fmt.Errorf("%s: rows of %s have no columns", e.URL.Redacted(), e.Rows.Type)
	}
	if f.table == "" || strings.EqualFold(f.table, markers) || strings.ContainsRune(f.table, 0) {
		return f, fmt.Errorf("%s: table %q cannot be used", e.URL.Redacted(), f.table)
	}
	if folder, err := os.Stat(filepath.Dir(f.path)); err != nil || !folder.IsDir() {
		return f, fmt.Errorf("%s: the folder %s is not there: make it first", e.URL.Redacted(), filepath.Dir(f.path))
	}
	return f, nil
}

// cache keeps the pages that a batch changes in memory until it commits: 64 MiB, in SQLite's notation.
const cache = "cache_size(-65536)"

// open connects to the file. mode is SQLite's: rwc makes the file, ro reads it.
func (f file) open(mode string) *sql.DB {
	q := url.Values{"mode": {mode}, "_pragma": {fmt.Sprintf("busy_timeout(%d)", f.patience.Milliseconds())}}
	if mode != "ro" {
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)", "synchronous(FULL)", cache)
	}
	path := f.path
	if !filepath.IsAbs(path) {
		path = "./" + path
	}
	name := (&url.URL{Path: path}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+name+"?"+q.Encode())
	if err != nil {
		panic("sqlite: its driver is not linked: " + err.Error()) // Open fails for nothing else
	}
	db.SetMaxOpenConns(1)
	return db
}

// LockedError says that another process kept the file locked for longer than busy_timeout. The write has changed nothing and
// may be tried again.
type LockedError struct {
	Path  string
	Waits time.Duration
	Err   error
}

// Error says what to do.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is locked by another process, for more than %s: end its transaction, or raise busy_timeout, and try again: %v", e.Path, e.Waits, e.Err)
}

// Unwrap returns SQLite's error.
func (e *LockedError) Unwrap() error { return e.Err }

// Temporary says that trying again may help.
func (e *LockedError) Temporary() bool { return true }

// explain tells a lock from other errors.
func (f file) explain(err error) error {
	var e *engine.Error
	if errors.As(err, &e) && (e.Code()&0xff == code.SQLITE_BUSY || e.Code()&0xff == code.SQLITE_LOCKED) {
		return &LockedError{f.path, f.patience, err}
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlite file %s, table %s: %w", f.path, f.table, err)
}

// connection is what we use of SQLite's driver: below database/sql, whose conversions cost as much as SQLite itself.
type connection interface {
	driver.ExecerContext
	driver.QueryerContext
	driver.ConnPrepareContext
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
	}
	return out
}
