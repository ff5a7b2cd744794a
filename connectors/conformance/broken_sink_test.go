package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// shelf is a sink that keeps keyed rows in a file, with a fault.
type shelf struct{ fault, dir string }

// content is what the file holds.
type content struct {
	Rows  []Row
	Marks map[string]int64 // timestamps
	Epoch int64
}

var shelfLock sync.Mutex

func (s *shelf) path() string { return filepath.Join(s.dir, "content") }

func (s *shelf) load() (c content, err error) {
	c.Marks = map[string]int64{}
	text, err := os.ReadFile(s.path())
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	return c, errors.Join(err, json.Unmarshal(text, &c))
}

func (s *shelf) save(c content) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path()+".tmp", text, 0o600); err != nil {
		return err
	}
	return os.Rename(s.path()+".tmp", s.path())
}

func (s *shelf) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

// is reports whether the fault is one of a few.
func (s *shelf) is(faults ...string) bool { return slices.Contains(faults, s.fault) }

func (s *shelf) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	var all []Row
	var gone []bool
	for out, err := range rows {
		if err == nil && !s.is("cancelled") {
			err = ctx.Err()
		}
		if s.is("failing rows") && err != nil {
			break
		}
		if err != nil {
			return dstream.Receipt{}, err
		}
		c, _ := codec.Of[Row]()
		some, err := codec.Decode[Row](c, out.Record)
		if err != nil {
			return dstream.Receipt{}, err
		}
		all = append(all, some...)
		gone = append(gone, append(out.Deleted, make([]bool, len(some)-len(out.Deleted))...)...)
		if s.is("killed "+killWithin) && len(some) > 0 {
			if err := s.apply(id, some, nil); err != nil {
				return dstream.Receipt{}, err
			}
		}
	}
	r := dstream.Receipt{Rows: int64(len(all))}
	if s.is("rows and receipts") {
		r.Rows++
	}
	if s.is("killed " + killWithin) {
		return r, nil
	}
	return r, s.apply(id, all, gone)
}

func (s *shelf) apply(id dstream.WriteID, rows []Row, gone []bool) error {
	shelfLock.Lock()
	defer shelfLock.Unlock()
	c, err := s.load()
	if err != nil {
		return err
	}
	if id.Epoch < c.Epoch && !s.is("older epoch") {
		return fmt.Errorf("epoch %d is over", id.Epoch)
	}
	c.Epoch = id.Epoch
	mark, stamp := s.mark(id)
	if ts := c.Marks[mark]; stamp <= ts && !(s.is("older batch") && stamp < ts) && !s.is("same write twice", "killed "+killWithin) {
		return nil
	}
	c.Marks[mark] = stamp
	for i, r := range rows {
		c.put(s, r, gone != nil && gone[i])
	}
	return s.save(c)
}

func (s *shelf) mark(id dstream.WriteID) (string, int64) {
	mark, stamp := fmt.Sprint(id.Partition, "/", id.Partitions), id.Timestamp
	switch s.fault {
	case "partitions":
		mark = ""
	case "two attempts":
		mark += fmt.Sprint(" attempt ", id.Attempt)
	case "planned anew":
		stamp = id.Batch
	case "killed " + killWritten, "killed " + killCommitted:
		mark += fmt.Sprint(" epoch ", id.Epoch)
	}
	return mark, stamp
}

func (c *content) put(s *shelf, r Row, gone bool) {
	at := slices.IndexFunc(c.Rows, func(o Row) bool { return o.ID == r.ID })
	appends := s.is("same write twice", "two attempts") || strings.HasPrefix(s.fault, "killed ")
	switch {
	case at >= 0 && gone && !s.is("deletes"):
		c.Rows = slices.Delete(c.Rows, at, at+1)
	case gone && !s.is("deletes") || at >= 0 && s.is("last of a key"):
	case at < 0 || appends:
		c.Rows = append(c.Rows, r)
	default:
		c.Rows[at] = r
	}
}

func shelfWith(fault string) Outlet[Row] {
	return Outlet[Row]{
		Open: func(dir string) (dstream.RecordSink, error) { return &shelf{fault, dir}, nil },
		Row:  NewRow,
		Same: func(i int) Row { r := NewRow(i); r.N = -99; return r },
		Read: func(dir string) ([]Row, error) {
			c, err := (&shelf{fault, dir}).load()
			return c.Rows, err
		},
	}
}

func TestSoundSink(t *testing.T) { Sink(t, shelfWith("")) }

func TestEveryFaultOfASinkIsCaught(t *testing.T) {
	for _, c := range sinkChecks[Row]() {
		t.Run(c.name, func(t *testing.T) {
			out := shelfWith(c.name)
			if check := childOf(t); check != "" {
				out.half(t, check)
			}
			err := out.run(t, t.Name(), c)
			if err == nil {
				t.Fatal("a sink with this fault passes the check")
			}
			t.Log(err)
		})
	}
}
