package rdd

import (
	"iter"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd/codec"
)

// None is the key of rows that have none: a plain dataset is a keyed one whose key column is empty.
type None = struct{}

// Chunk is a run of rows of one partition with its Go types erased: a *Rows[K, V]. Types are erased once a chunk, never
// once a row.
//
// A chunk that Compute yields belongs to its consumer until the consumer asks for the next one; then its columns are
// reused. Who needs it longer calls Keep.
type Chunk interface {
	// Len is the number of rows.
	Len() int
	// Bytes estimates the memory that the rows hold, in bytes.
	Bytes() int64
	// Keep returns a chunk that stays valid: sealed columns are shared, others copied, and text is moved out of the
	// buffer that it points into, so that a kept row pins nothing but itself. Times are cut to microseconds and empty slices
	// become nil, as if they had left memory and come back.
	Keep() Chunk
	// Record returns the rows as Arrow columns, copied. An error names a column that outgrew what Arrow can address.
	Record() (arrow.Record, error)
	// Slice returns rows [from, to) and shares their memory.
	Slice(from, to int) Chunk
}

// Seq yields the chunks of one partition in order. After an error nothing more is yielded.
type Seq = iter.Seq2[Chunk, error]

// Columns is a set of a chunk's columns.
type Columns uint8

// The columns of Rows.
const (
	KeyColumn Columns = 1 << iota
	ValColumn
	TimeColumn
	TokenColumn
	AllColumns = KeyColumn | ValColumn | TimeColumn | TokenColumn
)

// Rows is the one shape of everything that flows: columns of equal length beside each other, so that KeyBy adds a column
// and shares the rest.
//
// A kernel's output column is always owned by the kernel or always aliases its input's, never one or the other by luck.
type Rows[K, V any] struct {
	Keys   []K     // nil, or anything of the right length, if K is None
	Vals   []V     // never nil unless there are no rows
	Times  []int64 // event times, µs since the Unix epoch; nil = no event time
	Tokens []int64 // partition tokens of the keys; nil = not computed yet
	Sealed Columns // columns that nobody writes again and that are fit to be kept as they are

	picked []int32 // of Select, reused
}

// Len is the number of rows.
func (r *Rows[K, V]) Len() int { return len(r.Vals) }

// Bytes estimates the memory that the rows hold: fixed widths and the text they point to.
func (r *Rows[K, V]) Bytes() int64 {
	var k K
	var v V
	n := int64(len(r.Vals))
	size := n*int64(unsafe.Sizeof(v)) + int64(len(r.Keys))*int64(unsafe.Sizeof(k)) + int64(len(r.Times)+len(r.Tokens))*8
	return size + textBytes(r.Keys) + textBytes(r.Vals)
}

// Keep returns a chunk that stays valid.
func (r *Rows[K, V]) Keep() Chunk { return r.keep() }

// keep makes a Rows of its own even of sealed columns: operators reuse the struct that they yield.
func (r *Rows[K, V]) keep() *Rows[K, V] {
	out := &Rows[K, V]{Keys: r.Keys, Vals: r.Vals, Times: r.Times, Tokens: r.Tokens, Sealed: AllColumns}
	if r.Sealed&KeyColumn == 0 && r.Keys != nil {
		out.Keys = append([]K(nil), r.Keys...)
		settle(out.Keys)
	}
	if r.Sealed&ValColumn == 0 {
		out.Vals = append([]V(nil), r.Vals...)
		settle(out.Vals)
	}
	if r.Sealed&TimeColumn == 0 && r.Times != nil {
		out.Times = append([]int64(nil), r.Times...)
	}
	if r.Sealed&TokenColumn == 0 && r.Tokens != nil {
		out.Tokens = append([]int64(nil), r.Tokens...)
	}
	return out
}

// seal declares that nobody will write r's columns again, and moves text out of foreign buffers. For chunks whose columns
// their maker gives away.
func (r *Rows[K, V]) seal() *Rows[K, V] {
	settle(r.Keys)
	settle(r.Vals)
	r.Sealed = AllColumns
	return r
}

// Slice returns rows [from, to) and shares their memory.
func (r *Rows[K, V]) Slice(from, to int) Chunk {
	return &Rows[K, V]{
		Keys: part(r.Keys, from, to), Vals: part(r.Vals, from, to),
		Times: part(r.Times, from, to), Tokens: part(r.Tokens, from, to), Sealed: r.Sealed,
	}
}

// keyed returns the keys. Rows that were made without any have None.
func (r *Rows[K, V]) keyed() []K {
	if r.Keys == nil {
		return make([]K, len(r.Vals)) // K is None: of no size
	}
	return r.Keys
}

func part[E any](s []E, from, to int) []E {
	if s == nil {
		return nil
	}
	return s[from:to:to]
}

// Sized returns s with length n, its contents undefined, reusing its memory when it is large enough.
func Sized[E any](s []E, n int) []E {
	if cap(s) >= n {
		return s[:n]
	}
	return make([]E, n, max(n, 64))
}

func codecFor[T any]() *codec.Codec {
	c, err := codec.Of[T]()
	if err != nil { // shapeOf refused the node long before a row of it could exist
		panic("rdd: a chunk of a type without a codec: " + err.Error())
	}
	return c
}
