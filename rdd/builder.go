package rdd

import (
	"errors"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Builder grows the rows of a chunk whose Go type its user does not know: decoders and connectors write the fields of a row at
// the offsets that the codec gives. Text may point into the buffer it was read from, which then must never be written again.
//
//	row := b.Row()                                  // zeroed
//	*(*string)(unsafe.Add(row, f.Offset)) = text    // f is a field of b.Codec
//	err := b.Add()                                  // the row is part of the chunk now
//
// Full chunks go to the consumer by themselves, and rows of earlier ones are reused.
type Builder struct {
	Codec *codec.Codec // of a row

	Rows int64 // given out or waiting, over the builder's life

	// Stamp, if set, is called with each row that Add makes part of the chunk: for fields that whoever fills the row does not know,
	// as where it was found. Reuse forgets it.
	Stamp func(row unsafe.Pointer)

	n, full int            // rows of the chunk at hand, and of a full one
	base    unsafe.Pointer // of the first row
	size    uintptr
	clear   func(i int) // zeroes row i
	flush   func(n int) bool
	lend    func(rows unsafe.Pointer, n int) bool
	emit    func(Chunk) bool
	stopped bool
}

// NewBuilder returns a builder of rows of type T in chunks of full rows (at least one). emit gets each chunk, which is its own until it
// returns; false means that no more are wanted.
func NewBuilder[T any](full int, emit func(Chunk) bool) (*Builder, error) {
	c, err := codec.Of[T]()
	if err != nil {
		return nil, err
	}
	full = max(full, 1)
	rows := make([]T, full)
	b := &Builder{Codec: c, full: full, base: unsafe.Pointer(&rows[0]), size: c.Type.Size(), emit: emit}
	out := &Rows[None, T]{}
	b.clear = func(i int) { var zero T; rows[i] = zero }
	b.flush = func(n int) bool {
		out.Vals = rows[:n:n]
		more := b.emit(out)
		if invariants {
			poison(out.Vals)
		}
		return more
	}
	b.lend = func(lent unsafe.Pointer, n int) bool {
		out.Vals = unsafe.Slice((*T)(lent), n)
		return b.emit(out)
	}
	return b, nil
}

// Reuse makes a builder whose work is done ready for another run of rows, in the same memory: what a task of a small batch would
// else spend most of its time to allocate.
func (b *Builder) Reuse(emit func(Chunk) bool) {
	b.emit, b.n, b.Rows, b.stopped, b.Stamp = emit, 0, 0, false, nil
}

// ErrStopped is returned by Add and Flush once the consumer wants no more rows: return it.
var ErrStopped = errors.New("the reader of these rows wants no more")

// Row returns the next row, zeroed: a pointer to a value of Codec.Type. It becomes part of the chunk with Add; without it, the
// next Row returns the same row again.
func (b *Builder) Row() unsafe.Pointer {
	b.clear(b.n)
	return unsafe.Add(b.base, uintptr(b.n)*b.size)
}

// Block returns the address of the next row and how many rows there is room for, at least one, for decoders that fill many
// at a time. Their contents are undefined: each field of each row has to be set. Follow with AddN.
func (b *Builder) Block() (rows unsafe.Pointer, room int) {
	return unsafe.Add(b.base, uintptr(b.n)*b.size), b.full - b.n
}

// Add makes the row that Row returned part of the chunk.
func (b *Builder) Add() error {
	if b.Stamp != nil {
		b.Stamp(unsafe.Add(b.base, uintptr(b.n)*b.size))
	}
	return b.AddN(1)
}

// AddN makes the next n rows part of the chunk: at most as many as Block had room for.
func (b *Builder) AddN(n int) error {
	if b.stopped {
		return ErrStopped
	}
	if n < 0 || n > b.full-b.n {
		panic("rdd: AddN of more rows than Block had room for")
	}
	b.n += n
	b.Rows += int64(n)
	if b.n < b.full {
		return nil
	}
	return b.Flush()
}

// AddRecord adds the rows of a record whose columns p has bound to the fields of the row type.
func (b *Builder) AddRecord(p *codec.Projection, rec arrow.Record) error {
	for from := int64(0); from < rec.NumRows(); {
		base, room := b.Block()
		n := min(int64(room), rec.NumRows()-from)
		cut := rec.NewSlice(from, from+n)
		if err := p.Decode(base, int(n), cut); err != nil {
			return err
		}
		if err := b.AddN(int(n)); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// Flush gives the rows at hand to the consumer.
func (b *Builder) Flush() error {
	if b.stopped {
		return ErrStopped
	}
	if b.n == 0 {
		return nil
	}
	n := b.n
	b.n = 0
	if b.stopped = !b.flush(n); b.stopped {
		return ErrStopped
	}
	return nil
}

// BlockOf is Block for who knows the row type, which must be the one that the builder was made for.
func BlockOf[T any](b *Builder) []T {
	base, room := b.Block()
	return unsafe.Slice((*T)(base), room)
}

// Lend gives rows to the consumer as they are, without a copy, for a source that has them in a slice already. They are the consumer's
// to read until Lend returns. T must be the type that the builder was made for.
func Lend[T any](b *Builder, rows []T) error {
	if err := b.Flush(); err != nil {
		return err
	}
	for len(rows) > 0 && !b.stopped {
		n := min(len(rows), b.full)
		b.Rows += int64(n)
		b.stopped = !b.lend(unsafe.Pointer(&rows[0]), n)
		rows = rows[n:]
	}
	if b.stopped {
		return ErrStopped
	}
	return nil
}
