package flight

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// subtype is the content-subtype of our calls: the messages are those of Flight, encoded without copying their bodies.
const subtype = "tidemill-blocks"

// bodyField is the number of FlightData.data_body.
const bodyField = 1000

func init() { encoding.RegisterCodecV2(bodies{}) }

// bodies is grpc's codec for Flight messages that are a body and nothing else.
type bodies struct{}

// outgoing is a FlightData to be sent. Its memory is given back by grpc.
type outgoing struct{ body mem.Buffer }

// incoming is a FlightData that came. Who gets it closes body.
type incoming struct{ body *mem.Reader }

// Name is the content-subtype.
func (bodies) Name() string { return subtype }

// Marshal encodes a ticket or a body.
func (bodies) Marshal(v any) (mem.BufferSlice, error) {
	switch v := v.(type) {
	case *outgoing:
		head := binary.AppendUvarint(nil, protowire.EncodeTag(bodyField, protowire.BytesType))
		head = binary.AppendUvarint(head, uint64(v.body.Len()))
		return mem.BufferSlice{mem.SliceBuffer(head), v.body}, nil
	case proto.Message:
		b, err := proto.Marshal(v)
		return mem.BufferSlice{mem.SliceBuffer(b)}, err
	}
	return nil, fmt.Errorf("bug: no encoding for %T", v)
}

// Unmarshal decodes a ticket or a body.
func (bodies) Unmarshal(data mem.BufferSlice, v any) error {
	switch v := v.(type) {
	case *incoming:
		return v.unmarshal(data)
	case *flight.Ticket:
		return proto.Unmarshal(data.Materialize(), v)
	}
	return fmt.Errorf("bug: no decoding for %T", v)
}

// unmarshal finds the body in a message, which has nothing else, and keeps a reference to its memory.
func (in *incoming) unmarshal(data mem.BufferSlice) error {
	r := data.Reader()
	err := skipHead(r)
	if err != nil {
		return errors.Join(fmt.Errorf("a Flight message of %d bytes: %w", data.Len(), err), r.Close())
	}
	in.body = r
	return nil
}

// skipHead reads all but the body.
func skipHead(r *mem.Reader) error {
	tag, err := binary.ReadUvarint(r)
	if err != nil {
		return err
	}
	if tag != protowire.EncodeTag(bodyField, protowire.BytesType) {
		return fmt.Errorf("begins with tag %d, not with a body", tag)
	}
	n, err := binary.ReadUvarint(r)
	if err == nil && n != uint64(r.Remaining()) {
		err = fmt.Errorf("has a body of %d bytes, and %d follow", n, r.Remaining())
	}
	return err
}
