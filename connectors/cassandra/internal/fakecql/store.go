package fakecql

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// table is columns and rows.
type table struct {
	keyspace, name string
	columns        []column
	rows           map[string]*row // by primary key
}

type column struct {
	name, typ string
	role      string // partition_key, clustering, static, regular
	position  int
}

// row is the cells of a primary key.
type row struct {
	key     [][]byte
	removed int64 // timestamp of the last delete
	marker  int64 // of the last insert
	cells   map[string]stored
}

type stored struct {
	value []byte // nil = a tombstone
	ts    int64
}

func (t *table) column(name string) (column, bool) {
	i := slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })
	if i < 0 {
		return column{}, false
	}
	return t.columns[i], true
}

func (t *table) keys() (out []string) {
	for _, c := range t.columns {
		if c.role == "partition_key" || c.role == "clustering" {
			out = append(out, c.name)
		}
	}
	return out
}

func (t *table) at(values map[string]operand) (*row, error) {
	var key [][]byte
	var id strings.Builder
	for _, k := range t.keys() {
		v := values[k]
		if v.state != given {
			return nil, fmt.Errorf("invalid null value in condition for column %s", k)
		}
		key = append(key, v.bytes)
		fmt.Fprintf(&id, "%x/", v.bytes)
	}
	r := t.rows[id.String()]
	if r == nil {
		r = &row{key: key, removed: -1 << 63, marker: -1 << 63, cells: map[string]stored{}}
		t.rows[id.String()] = r
	}
	return r, nil
}

func (t *table) insert(values map[string]operand, ts int64) error {
	r, err := t.at(values)
	if err != nil {
		return err
	}
	r.marker = max(r.marker, ts)
	for name, v := range values {
		c, _ := t.column(name)
		if v.state == unset || c.role == "partition_key" || c.role == "clustering" {
			continue
		}
		cell := stored{v.bytes, ts}
		if v.state == absent {
			cell.value = nil
		}
		r.cells[name] = reconcile(r.cells[name], cell)
	}
	return nil
}

// reconcile is the server's rule for two versions of a cell (db/rows/Cells).
func reconcile(a, b stored) stored {
	switch {
	case a.ts != b.ts:
		if a.ts > b.ts {
			return a
		}
		return b
	case a.value == nil || b.value != nil && bytes.Compare(a.value, b.value) > 0:
		return a
	}
	return b
}

func (t *table) remove(values map[string]operand, ts int64) error {
	r, err := t.at(values)
	if err != nil {
		return err
	}
	r.removed = max(r.removed, ts)
	return nil
}

// live is the values that a reader sees; false = no such row.
func (t *table) live(r *row) (map[string][]byte, bool) {
	out := map[string][]byte{}
	for name, c := range r.cells {
		if c.value != nil && c.ts > r.removed {
			out[name] = c.value
		}
	}
	if r.marker <= r.removed && len(out) == 0 {
		return nil, false
	}
	for i, k := range t.keys() {
		out[k] = r.key[i]
	}
	return out, true
}

// find is the rows that have these values, in the order of their keys.
func (t *table) find(where map[string]operand) (out []map[string][]byte) {
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		v, ok := t.live(t.rows[id])
		if !ok {
			continue
		}
		fits := true
		for name, w := range where {
			fits = fits && w.state == given && bytes.Equal(v[name], w.bytes) && v[name] != nil
		}
		if fits {
			out = append(out, v)
		}
	}
	return out
}
