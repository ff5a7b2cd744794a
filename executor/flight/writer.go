package flight

import (
	"encoding/binary"
	"errors"
	"sync"

	"google.golang.org/grpc/mem"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// What stands before each piece of the stream of bytes.
const (
	pieceChunk byte = iota + 1
	pieceEnd
	pieceMissing
)

// The size from which a message is sent: at first small, so that streams which nobody reads yet hold little, then growing.
const firstMessage, fullMessage = 64 << 10, 1 << 20

// longestMessage is the most bytes of a message.
const longestMessage = 2 << 20

// longestReason bounds the text of a part that cannot be had.
const longestReason = 4 << 10

// sendError tells errors of the connection from those of blocks.
type sendError struct{ err error }

func (e *sendError) Error() string { return e.err.Error() }

// writer packs pieces into messages.
type writer struct {
	send func(mem.Buffer) error
	room *[]byte // of the pool; the message at hand
	full int     // size from which it is sent
}

// chunk appends a chunk. One that is encoded already, such as one that was on disk, is copied.
func (w *writer) chunk(c rdd.Chunk) error {
	if raw, ok := c.(interface{ Frame() []byte }); ok && raw.Frame() != nil {
		return w.append(pieceChunk, func(b []byte) ([]byte, error) { return append(b, raw.Frame()...), nil })
	}
	rec, err := c.Record()
	if err != nil {
		return err
	}
	defer rec.Release()
	return w.append(pieceChunk, func(b []byte) ([]byte, error) { return codec.AppendFrame(b, rec) })
}

// done ends a part of n chunks.
func (w *writer) done(n int) error {
	return w.connection(w.append(pieceEnd, func(b []byte) ([]byte, error) { return binary.AppendUvarint(b, uint64(n)), nil }))
}

// missing ends a part that cannot be had.
func (w *writer) missing(why error) error {
	text := why.Error()
	text = text[:min(len(text), longestReason)]
	return w.connection(w.append(pieceMissing, func(b []byte) ([]byte, error) {
		return append(binary.AppendUvarint(b, uint64(len(text))), text...), nil
	}))
}

func (w *writer) connection(err error) error {
	var broken *sendError
	if errors.As(err, &broken) {
		return broken.err
	}
	return err
}

// append appends a piece, and sends the message if that has filled it.
func (w *writer) append(kind byte, body func([]byte) ([]byte, error)) error {
	if w.room == nil {
		w.room = rooms.Get(0)
	}
	before := len(*w.room)
	b, err := body(append(*w.room, kind))
	if err != nil {
		*w.room = b[:before]
		return err
	}
	*w.room = b
	if len(b) < max(w.full, firstMessage) {
		return nil
	}
	if err := w.flush(); err != nil {
		return &sendError{err}
	}
	return nil
}

// flush sends what is packed.
func (w *writer) flush() error {
	if w.room == nil || len(*w.room) == 0 {
		return nil
	}
	w.full = min(max(2*w.full, 2*firstMessage), fullMessage)
	all := mem.NewBuffer(w.room, rooms)
	w.room = nil
	defer all.Free()
	for from := 0; from < all.Len(); from += longestMessage {
		if err := w.send(all.Slice(from, min(from+longestMessage, all.Len()))); err != nil {
			return err
		}
	}
	return nil
}

// rooms is the pool of memory for messages.
var rooms = &roomPool{}

type roomPool struct{ pool sync.Pool }

// keptRoom is the longest that is kept: one large chunk must not occupy memory for ever.
const keptRoom = 4 << 20

// Get returns room for a message, empty.
func (p *roomPool) Get(int) *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, 0, firstMessage)
	return &b
}

// Put takes it back.
func (p *roomPool) Put(b *[]byte) {
	if cap(*b) <= keptRoom {
		*b = (*b)[:0]
		p.pool.Put(b)
	}
}
