package flight

import (
	"errors"
	"fmt"
	"sync"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Reader reads the blocks of one ticket, part after part. One goroutine uses it; Close may be called by another.
type Reader struct {
	in      arrivals
	address string
	ticket  Ticket
	limit   codec.Limits
	next    int  // part of the ticket that comes next
	within  bool // it was begun and not ended
	release func()
	closing sync.Once
}

// Next returns the chunks of the ticket's next part, decoded as rows of shape. An error says that the part cannot be had, or not all of it; a
// *MissingError is the holder's word, and the parts behind it may still be there; after any other error every part ends with
// it. The sequence is run once, to its end, before the next call of Next; when it was left before, the reader can only be closed.
func (r *Reader) Next(shape *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		p, err := r.begin()
		for n := 0; ; n++ {
			var c rdd.Chunk
			if err == nil {
				c, err = r.piece(p, n, shape)
			}
			if err != nil {
				yield(nil, fmt.Errorf("blocks at %s: %w", r.address, err))
				return
			}
			if c == nil || !yield(c, nil) {
				return
			}
		}
	}
}

// begin begins the next part.
func (r *Reader) begin() (Part, error) {
	if r.next >= len(r.ticket.Parts) {
		return Part{}, fmt.Errorf("bug: the ticket has %d parts, and another one is read", len(r.ticket.Parts))
	}
	if r.within {
		return Part{}, r.in.fail(errors.New("the part before was not read to its end"))
	}
	r.within = true
	return r.ticket.Parts[r.next], nil
}

// end ends the part at hand.
func (r *Reader) end() { r.next, r.within = r.next+1, false }

// piece reads the next piece: a chunk, the n-th of part p, or nil at the part's end.
func (r *Reader) piece(p Part, n int, shape *rdd.Shape) (rdd.Chunk, error) {
	kind, err := r.in.ReadByte()
	if err != nil {
		return nil, r.in.fail(err)
	}
	switch kind {
	case pieceChunk:
		c, err := r.chunk(shape)
		return c, r.in.fail(err)
	case pieceEnd:
		r.end()
		sent, err := r.in.uvarint()
		if err == nil && sent != uint64(n) {
			err = fmt.Errorf("%d chunks of partition %d came and %d were sent", n, p.Partition, sent)
		}
		return nil, r.in.fail(err)
	case pieceMissing:
		r.end()
		why, err := r.in.text()
		if err != nil {
			return nil, r.in.fail(err)
		}
		return nil, &MissingError{p, why}
	}
	return nil, r.in.fail(fmt.Errorf("%w: a piece of kind %d", codec.ErrFrame, kind))
}

func (r *Reader) chunk(shape *rdd.Shape) (rdd.Chunk, error) {
	rec, err := codec.ReadFrame(&r.in, r.limit)
	if err != nil {
		return nil, err
	}
	return shape.Decode(rec)
}

// Close gives up what was not read, and the stream.
func (r *Reader) Close() {
	r.closing.Do(func() {
		r.in.cancel(errors.New("the reader was closed"))
		r.release()
	})
}
