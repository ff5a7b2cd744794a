package flight

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd/codec"
)

// bomb is an Arrow schema that describes 2ⁿ fields in 44·n bytes and a few: a struct of twice the same struct of twice the same struct, and so on.
// Of nine levels it has 432 bytes, and who believes thirty needs more memory than there is.
func bomb(n int) []byte {
	var b []byte
	u16 := func(vs ...uint16) {
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
	}
	u32 := func(vs ...uint32) {
		for _, v := range vs {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	u32(16)
	u16(10, 12, 0, 4, 8, 0)
	u32(12, 1, 12)
	u16(8, 8, 0, 4)
	u32(8, 4)
	for range n {
		u32(2, 24, 20)
		u16(16, 16, 0, 0, 8, 12, 0, 4)
		u32(16, 12, 13, 8)
	}
	u32(0, 0)
	return append(binary.LittleEndian.AppendUint32([]byte{255, 255, 255, 255}, uint32(len(b))), b...)
}

// sealed is a frame with a right checksum around whatever.
func sealed(body []byte) []byte {
	frame := binary.LittleEndian.AppendUint64([]byte("TMF\x01"), uint64(len(body)))
	table := crc32.MakeTable(crc32.Castagnoli)
	return append(binary.LittleEndian.AppendUint32(frame, crc32.Update(crc32.Checksum(frame, table), table, body)), body...)
}

// TestForgedChunks: a peer that sends what is made to do harm is refused, at once and without the memory that it asks for.
func TestForgedChunks(t *testing.T) {
	long := sealed([]byte("x"))
	binary.LittleEndian.PutUint64(long[4:], 1<<39)
	for name, frame := range map[string][]byte{"bomb": sealed(bomb(9)), "large bomb": sealed(bomb(30)), "length": long, "text": []byte("no frame at all, only text")} {
		t.Run(name, func(t *testing.T) {
			address, _ := serve(t, held{0: of(wire.NewRawChunk(frame, 1))}, Options{})
			if _, err := values(opened(t, client(t, Options{}), address, 0), shape(t)); !errors.Is(err, codec.ErrFrame) {
				t.Error(err)
			}
		})
	}
}

func TestOtherTypesAreRefused(t *testing.T) {
	rec, err := chunk(0, 3).Record()
	if err != nil {
		t.Fatal(err)
	}
	frame, err := codec.AppendFrame(nil, rec.NewSlice(0, 3))
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(frame), "TMF\x01", "TMF\x02", 1)
	address, _ := serve(t, held{0: of(wire.NewRawChunk([]byte(other), 3))}, Options{})
	if _, err := values(opened(t, client(t, Options{}), address, 0), shape(t)); !errors.Is(err, codec.ErrFrame) {
		t.Error(err)
	}
}

// canned is a call that has brought its messages already.
type canned struct {
	grpc.ClientStream
	messages [][]byte
}

func (c *canned) RecvMsg(m any) error {
	if len(c.messages) == 0 {
		return io.EOF
	}
	next := c.messages[0]
	c.messages = c.messages[1:]
	return bodies{}.Unmarshal(mem.BufferSlice{mem.SliceBuffer(next)}, m)
}

func reading(messages ...[]byte) *Reader {
	r := &Reader{ticket: Ticket{Parts: make([]Part, 2)}, limit: codec.Limits{Bytes: 1 << 20}}
	r.in.ctx, r.in.cancel = context.WithCancelCause(context.Background())
	r.in.call, r.in.stall = &canned{messages: messages}, time.Minute
	return r
}

// body is a Flight message.
func body(b []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, bodyField<<3|2), uint64(len(b))), b...)
}

func TestDamagedStreams(t *testing.T) {
	s := shape(t)
	for name, messages := range map[string][][]byte{
		"nothing":            nil,
		"no body":            {{0x0a, 1, 'x'}},
		"long body":          {binary.AppendUvarint(binary.AppendUvarint(nil, bodyField<<3|2), 1<<60)},
		"two fields":         {append(body([]byte{pieceEnd}), 0)},
		"unknown piece":      {body([]byte{77})},
		"fewer chunks":       {body([]byte{pieceEnd, 1})},
		"end without number": {body([]byte{pieceEnd})},
		"long reason":        {body([]byte{pieceMissing, 0xff, 0xff, 0xff, 0x7f})},
		"half a frame":       {body([]byte{pieceChunk, 'T', 'M', 'F'})},
	} {
		r := reading(messages...)
		_, err := values(r, s)
		_, again := values(r, s)
		if err == nil || again == nil || errors.As(err, new(*MissingError)) {
			t.Errorf("%s: %v, %v", name, err, again)
		}
	}
	if _, err := values(reading(body([]byte{pieceEnd}), body(nil), body([]byte{0})), s); err != nil {
		t.Errorf("a stream in small messages: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	s := shape(f)
	rec, err := chunk(0, 2).Record()
	if err != nil {
		f.Fatal(err)
	}
	frame, err := codec.AppendFrame([]byte{pieceChunk}, rec)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body(append(frame, pieceEnd, 1, pieceMissing, 1, 'x')), body(nil))
	f.Add(body([]byte{pieceEnd}), body([]byte{0}))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		r := reading(first, second)
		_, _ = values(r, s)
		_, _ = values(r, s)
	})
}

func FuzzTicket(f *testing.F) {
	f.Add(Ticket{Epoch: 1, Batch: 2, Incarnation: 3, Parts: []Part{{1, 2}}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if ticket, err := decodeTicket(b); err == nil {
			if _, err := decodeTicket(ticket.encode()); err != nil {
				t.Error(err)
			}
		}
	})
}
