package dstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Table is a table of rows W with key K: reference data that a stream looks things up in. It is read whole when the job starts,
// frozen, and named by its digest in each batch's plan, so that a batch that runs again sees the same rows.
type Table[K comparable, W any] struct{ t *table }

type table struct {
	job           *Job
	name, at, url string
	rows          *codec.Codec
	freeze        func(ctx context.Context, c Connector) ([]arrow.Record, error)
	index         func([]arrow.Record) (any, error)
}

// frozen is a table in memory: rows in a slice of their own, so that a lookup allocates nothing.
type frozen[K comparable, W any] struct {
	ids  *rdd.Grouper[K]
	row  []int32 // of each id, in rows
	rows []W
}

// Table is the table that is configured under that name: `tables: {campaigns: "files:///feeds/campaigns.ndjson"}`. The key is the
// field tagged `col:"…,key"`; if K is a struct, the fields of the names that it has. A later row of a key replaces an earlier one.
func (j *Job) Table[K comparable, W any](name string) Table[K, W] {
	t := &table{job: j, name: name, at: rdd.CallSite(), url: j.settings.url(j.settings.Tables, name)}
	if !j.open(t.at, "Table") {
		return Table[K, W]{t}
	}
	if t.url == "" {
		j.fail(t.at, "Table", notConfigured("tables", name, j.settings.Tables))
	}
	var err error
	if t.rows, err = codec.Of[W](); err != nil {
		j.fail(t.at, "Table", err)
	} else if err = tableKey[K](t.rows); err != nil {
		j.fail(t.at, "Table", err)
	}
	t.freeze = readAll[W]
	t.index = func(recs []arrow.Record) (any, error) { return index[K, W](recs) }
	for _, other := range j.tables {
		if other.name == name {
			j.fail(t.at, "Table", fmt.Errorf("the table %q is used at %s already: use that one twice", name, other.at))
		}
	}
	j.tables = append(j.tables, t)
	return Table[K, W]{t}
}

// keyFields are the columns of a table's rows that make its key.
func keyFields(k, w *codec.Codec) []int {
	var out []int
	for _, kf := range k.Fields {
		for i, f := range w.Fields {
			if k.Scalar && (f.Key || f.Partition) || !k.Scalar && f.Name == kf.Name {
				out = append(out, i)
			}
		}
	}
	return out
}

func tableKey[K comparable](w *codec.Codec) error {
	k, err := codec.Of[K]()
	if err != nil {
		return err
	}
	at := keyFields(k, w)
	if len(at) != len(k.Fields) {
		if k.Scalar {
			return fmt.Errorf("%d fields of %s are tagged as key, one of type %s is needed: `col:\"id,key\"`", len(at), w.Type, k.Type)
		}
		return fmt.Errorf("%s does not have all the fields of its key %s", w.Type, k.Type)
	}
	for i, f := range at {
		if w.Fields[f].Kind != k.Fields[i].Kind {
			return fmt.Errorf("the key field %q of %s is %s, the table's key is %s", w.Fields[f].Name, w.Type, w.Fields[f].Type, k.Fields[i].Type)
		}
	}
	return nil
}

// readAll reads a bounded source to its end.
func readAll[W any](ctx context.Context, c Connector) ([]arrow.Record, error) {
	var out []arrow.Record
	var failed error
	b, err := rdd.NewBuilder[W](rdd.DefaultChunkRows, func(c rdd.Chunk) bool {
		rec, err := c.Record()
		out, failed = append(out, rec), errors.Join(failed, err)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	to := &Reader{Builder: b, Reject: func(bad BadRecord) error { return fmt.Errorf("bad record at %s: %s", bad.Position, bad.Reason) }}
	for from := Offsets(nil); ; {
		r, err := c.Plan(ctx, from, Limit{})
		if err != nil {
			return nil, err
		}
		for _, s := range r.Splits {
			if _, err := c.Read(ctx, s, to); err != nil {
				return nil, errors.Join(failed, err)
			}
		}
		if r.Ended || len(r.Splits) == 0 {
			break
		}
		from = r.To
	}
	if err := b.Flush(); err != nil {
		return nil, errors.Join(failed, err)
	}
	return out, nil
}

// index makes the lookup of a frozen table's rows.
func index[K comparable, W any](recs []arrow.Record) (*frozen[K, W], error) {
	f := &frozen[K, W]{ids: rdd.NewGrouper[K]()}
	k, err := codec.Of[K]()
	if err != nil {
		return nil, err
	}
	w, err := codec.Of[W]()
	if err != nil {
		return nil, err
	}
	for _, rec := range recs {
		rows, err := rdd.Decode[none, W](rec)
		if err != nil {
			return nil, err
		}
		var cols []arrow.Array
		for _, i := range keyFields(k, w) {
			cols = append(cols, rec.Column(i))
		}
		ks := make([]K, rows.Len())
		if rows.Len() == 0 {
			continue
		}
		if err := k.Decode(unsafe.Pointer(&ks[0]), len(ks), cols); err != nil {
			return nil, err
		}
		ids := make([]int32, len(ks))
		f.ids.IDs(ks, ids)
		f.row = append(f.row, make([]int32, f.ids.Len()-len(f.row))...)
		for i, id := range ids {
			f.row[id] = int32(len(f.rows)) // a later row of a key replaces an earlier one
			f.rows = append(f.rows, rows.(*rdd.Rows[none, W]).Vals[i])
		}
	}
	intern(f.rows, w)
	return f, nil
}

// intern lets equal text of a column lie at one place: it takes less memory, and a step that groups by it need not look at it again.
func intern[W any](rows []W, c *codec.Codec) {
	for _, f := range c.Fields {
		if f.Kind != codec.String || f.Nullable {
			continue
		}
		known := map[string]string{}
		for i := range rows {
			s := (*string)(unsafe.Add(unsafe.Pointer(&rows[i]), f.Offset))
			if first, ok := known[*s]; ok {
				*s = first
			} else {
				known[*s] = *s
			}
		}
	}
}

func tableOf[K comparable, W any](t *rdd.Task, tab *table) (*frozen[K, W], error) {
	v, err := envOf(t).Table(tab.name)
	if err != nil {
		return nil, err
	}
	return v.(*frozen[K, W]), nil
}

// notConfigured says which names there are.
func notConfigured(section, name string, have map[string]string) error {
	if len(have) == 0 {
		return fmt.Errorf("%q is not configured: tidemill.yaml has no %s; write\n    %s:\n      %s: <url>", name, section, section, name)
	}
	return fmt.Errorf("%q is not configured under %s; there are: %s", name, section, strings.Join(slices.Sorted(maps.Keys(have)), ", "))
}

// looksUp adds a step that reads a table.
func looksUp(from *node, kind string, t *table, build func(*cut, []*rdd.Node) *rdd.Node) *node {
	n := from.job.add(kind, []*node{from}, build)
	switch {
	case t == nil:
		n.job.fail(n.at, kind, errors.New("no table: take one of job.Table"))
	case t.job != n.job:
		n.job.fail(n.at, kind, errOtherJob)
	}
	return n
}
