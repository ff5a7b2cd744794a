package codec

import (
	"cmp"
	"fmt"
	"reflect"
	"sort"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// mapping is the column of map[K]V, the one family that needs reflection for each row.
// Entries are encoded in ascending order of their keys, so that equal maps have equal bytes.
type mapping struct {
	t          reflect.Type
	key, value column
	keys, vals element
	dt         *arrow.MapType
}

func newMapping(t reflect.Type, key, value column, nullable bool) *mapping {
	dt := arrow.MapOf(key.dataType(), value.dataType())
	dt.SetItemNullable(nullable)
	dt.KeysSorted = true
	return &mapping{t, key, value, elementOf(t.Key()), elementOf(t.Elem()), dt}
}

func (c *mapping) dataType() arrow.DataType { return c.dt }
func (c *mapping) flat() bool               { return false }

func (c *mapping) encode(w window) (arrow.ArrayData, error) {
	offsets := make([]int32, w.n+1)
	total := 0
	for i := range w.n {
		total += c.at(w, i).Len()
		offsets[i+1] = int32(total)
	}
	if err := tooMany(w.n, total, c.keys.size+c.vals.size); err != nil {
		return nil, err
	}
	e := c.entries(total)
	for i := range w.n {
		e.add(c.at(w, i))
		sort.Sort(e)
	}
	ks, err := c.key.encode(e.window(e.keys, c.keys))
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	vs, err := c.value.encode(e.window(e.vals, c.vals))
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	pairs := values(c.dt.Elem(), total, []arrow.ArrayData{ks, vs})
	return values(c.dt, w.n, []arrow.ArrayData{pairs}, bytesOf(offsets)), nil
}

// at is the map of row i.
func (c *mapping) at(w window, i int) reflect.Value {
	return reflect.NewAt(c.t, unsafe.Pointer(at[byte](w, i))).Elem()
}

// entries is the keys and values of maps, gathered. As a sort.Interface it is those
// of the last map only.
type entries struct {
	keys, vals   reflect.Value // slices
	swapK, swapV func(i, j int)
	compare      func(a, b reflect.Value) int
	it           reflect.MapIter
	from, n      int // the last map's first entry, and one behind its last
}

func (c *mapping) entries(total int) *entries {
	e := &entries{compare: ordered(c.t.Key())}
	e.keys = reflect.MakeSlice(reflect.SliceOf(c.keys.t), total, total)
	e.vals = reflect.MakeSlice(reflect.SliceOf(c.vals.t), total, total)
	e.swapK, e.swapV = reflect.Swapper(e.keys.Interface()), reflect.Swapper(e.vals.Interface())
	return e
}

func (e *entries) window(v reflect.Value, of element) window {
	return window{base: v.UnsafePointer(), stride: of.size, n: e.n}
}

// add appends the entries of m.
func (e *entries) add(m reflect.Value) {
	e.from = e.n
	if m.Len() == 0 {
		return
	}
	for e.it.Reset(m); e.it.Next(); e.n++ {
		e.keys.Index(e.n).SetIterKey(&e.it)
		e.vals.Index(e.n).SetIterValue(&e.it)
	}
}

func (e *entries) Len() int { return e.n - e.from }
func (e *entries) Less(i, j int) bool {
	return e.compare(e.keys.Index(e.from+i), e.keys.Index(e.from+j)) < 0
}
func (e *entries) Swap(i, j int) { e.swapK(e.from+i, e.from+j); e.swapV(e.from+i, e.from+j) }

// ordered compares two keys of a kind that keyKind allows.
func ordered(key reflect.Type) func(a, b reflect.Value) int {
	switch {
	case key.Kind() == reflect.String:
		return func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }
	case key.Kind() == reflect.Bool:
		return func(a, b reflect.Value) int { return cmp.Compare(truth(a), truth(b)) }
	case key.Kind() == reflect.Array:
		return func(a, b reflect.Value) int { return cmp.Compare(string(a.Bytes()), string(b.Bytes())) }
	case key.Kind() <= reflect.Int64:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Int(), b.Int()) }
	default:
		return func(a, b reflect.Value) int { return cmp.Compare(a.Uint(), b.Uint()) }
	}
}

func truth(v reflect.Value) int {
	if v.Bool() {
		return 1
	}
	return 0
}

func (c *mapping) clone(w window) {
	for i := range w.n {
		m := c.at(w, i)
		if m.IsNil() {
			continue
		}
		e := c.entries(m.Len())
		e.add(m)
		if !c.value.flat() {
			c.value.clone(e.window(e.vals, c.vals))
		}
		m.Set(c.build(e.keys, e.vals, 0, e.n))
	}
}

// build is the map of entries from … to−1. Of equal keys the last counts.
func (c *mapping) build(keys, vals reflect.Value, from, to int) reflect.Value {
	m := reflect.MakeMapWithSize(c.t, to-from)
	for i := from; i < to; i++ {
		m.SetMapIndex(keys.Index(i), vals.Index(i))
	}
	return m
}

func (c *mapping) bind(dt arrow.DataType) (reader, error) {
	from, ok := dt.(*arrow.MapType)
	if !ok {
		return nil, misfit(dt, "a map")
	}
	key, err := c.key.bind(from.KeyType())
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	value, err := c.value.bind(from.ItemType())
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	return mappingReader{c, key, value}, nil
}

type mappingReader struct {
	*mapping
	key, value reader
}

func (r mappingReader) read(w window, d arrow.ArrayData, lo int) error {
	offsets, _, err := spans[int32](w, d, lo)
	if err != nil || w.n == 0 {
		return err
	}
	first, total := int(offsets[0]), int(offsets[w.n]-offsets[0])
	e, pairs := r.entries(total), d.Children()[0]
	e.n = total
	from := pairs.Offset() + first
	if err := r.key.read(e.window(e.keys, r.keys), pairs.Children()[0], from); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	if err := r.value.read(e.window(e.vals, r.vals), pairs.Children()[1], from); err != nil {
		return fmt.Errorf("values: %w", err)
	}
	for i := range w.n {
		m := r.at(w, i)
		if offsets[i] == offsets[i+1] {
			m.SetZero()
			continue
		}
		m.Set(r.build(e.keys, e.vals, int(offsets[i])-first, int(offsets[i+1])-first))
	}
	return nil
}
