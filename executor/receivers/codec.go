package receivers

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

const (
	// subtype names the codec in the content type of calls, so that other services on the same server have others.
	subtype = "tidemill-receivers"
	maxHead = 1 << 20
)

func init() { encoding.RegisterCodecV2(codec{}) }

// packet is a message: the length of its head in 32 bits, little endian, the head as JSON, and frames of records.
type packet struct {
	head   []byte
	frames []byte
}

func newPacket(head any, frames []byte) *packet {
	b, err := json.Marshal(head)
	if err != nil {
		panic(err) // heads are structs of strings and numbers
	}
	return &packet{b, frames}
}

// into decodes the head.
func (p *packet) into(head any) error {
	if err := json.Unmarshal(p.head, head); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

var errPacket = errors.New("not a message of receivers")

type codec struct{}

// Name is the content subtype.
func (codec) Name() string { return subtype }

// Marshal encodes a packet.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	p, ok := v.(*packet)
	if !ok {
		return nil, errPacket
	}
	head := append(binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(p.head)), uint32(len(p.head))), p.head...)
	return mem.BufferSlice{mem.SliceBuffer(head), mem.SliceBuffer(p.frames)}, nil
}

// Unmarshal decodes a packet, whose bytes are its own. How long a message can be is bounded by server and client.
func (codec) Unmarshal(in mem.BufferSlice, v any) error {
	p, ok := v.(*packet)
	if !ok {
		return errPacket
	}
	b := in.Materialize()
	if len(b) < 4 {
		return errPacket
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxHead || int(n) > len(b)-4 {
		return errPacket
	}
	p.head, p.frames = b[4:4+n:4+n], b[4+n:]
	return nil
}
