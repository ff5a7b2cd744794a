package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// RawChunk is a chunk as it came over the wire: one frame of package codec, not decoded yet, since only who has the graph knows its
// types. Open makes rows of it; sent on, it is copied as it is. A RawChunk is valid for ever and may be shared.
type RawChunk struct {
	frame    []byte
	rows     int // that the frame says it has, until it is decoded
	from, to int
}

var _ rdd.Chunk = (*RawChunk)(nil)

// NewRawChunk makes a chunk of a frame of so many rows, such as one of a spill file. Nothing is checked before it is decoded.
func NewRawChunk(frame []byte, rows int) *RawChunk {
	return &RawChunk{frame: frame, rows: rows, to: rows}
}

// Frame is the frame, if c is all of it; else nil.
func (c *RawChunk) Frame() []byte {
	if c.Len() != c.rows {
		return nil
	}
	return c.frame
}

// Len is the number of rows.
func (c *RawChunk) Len() int { return c.to - c.from }

// Bytes is the length of the frame.
func (c *RawChunk) Bytes() int64 { return int64(len(c.frame)) }

// Keep returns c.
func (c *RawChunk) Keep() rdd.Chunk { return c }

// Slice returns rows [from, to) of c.
func (c *RawChunk) Slice(from, to int) rdd.Chunk {
	return &RawChunk{frame: c.frame, rows: c.rows, from: c.from + from, to: c.from + to}
}

// Record decodes the frame. Whatever bytes it has, they do no harm.
func (c *RawChunk) Record() (arrow.Record, error) {
	rec, err := codec.ReadFrame(bytes.NewReader(c.frame), codec.Limits{Bytes: int64(len(c.frame))})
	if err != nil {
		return nil, err
	}
	if rec.NumRows() != int64(c.rows) {
		return nil, fmt.Errorf("%w: %d rows where %d were announced", ErrFrame, rec.NumRows(), c.rows)
	}
	return rec.NewSlice(int64(c.from), int64(c.to)), nil
}

// Open returns the chunk as rows of a shape.
func (c *RawChunk) Open(shape *rdd.Shape) (rdd.Chunk, error) {
	rec, err := c.Record()
	if err != nil {
		return nil, err
	}
	return shape.Decode(rec)
}

// Open returns chunks of a shape with those that came over the wire decoded. The others, in memory all the time, are returned as they are.
func Open(chunks []rdd.Chunk, shape *rdd.Shape) ([]rdd.Chunk, error) {
	out := make([]rdd.Chunk, len(chunks))
	for i, c := range chunks {
		raw, ok := c.(*RawChunk)
		if !ok {
			out[i] = c
			continue
		}
		var err error
		if out[i], err = raw.Open(shape); err != nil {
			return nil, fmt.Errorf("decode chunk %d of %d: %w", i+1, len(chunks), err)
		}
	}
	return out, nil
}

// appendLists appends chunks in lists.
func appendLists(b []byte, lists [][]rdd.Chunk) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(lists)))
	var err error
	for _, chunks := range lists {
		if b, err = appendChunks(b, chunks); err != nil {
			return b, err
		}
	}
	return b, nil
}

func appendChunks(b []byte, chunks []rdd.Chunk) ([]byte, error) {
	b = binary.AppendUvarint(b, uint64(len(chunks)))
	for _, c := range chunks {
		frame, err := frameOf(c)
		if err != nil {
			return b, err
		}
		if b = appendBytes(appendID(b, c.Len()), frame); len(b) > MaxFrame {
			return b, fmt.Errorf("more than %d bytes of results: write large ones to a sink", MaxFrame)
		}
	}
	return b, nil
}

func frameOf(c rdd.Chunk) ([]byte, error) {
	if raw, ok := c.(*RawChunk); ok && raw.Frame() != nil {
		return raw.frame, nil
	}
	rec, err := c.Record()
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	return codec.AppendFrame(nil, rec)
}

func readChunks(d *decoder) []rdd.Chunk {
	return readAll(d, 2, func(d *decoder) rdd.Chunk {
		rows := d.id()
		d.charge(64)
		return NewRawChunk(d.bytes(), rows)
	})
}
