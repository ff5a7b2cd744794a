package node

import (
	"encoding/json"
	"slices"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// subtype names the codec in the content type of calls; servers find it by that, so that other services on the same server have others.
const subtype = "tidemill-node"

func init() { encoding.RegisterCodecV2(codec{}) }

// frame is a message of plain bytes: a piece of a binary.
type frame []byte

// codec writes messages as JSON, frames as they are. How long a message can be is bounded by the server and the client.
type codec struct{}

// Name is the content subtype.
func (codec) Name() string { return subtype }

// Marshal encodes a message.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*frame); ok {
		return mem.BufferSlice{mem.SliceBuffer(*f)}, nil
	}
	b, err := json.Marshal(v)
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}

// Unmarshal decodes one. A frame is copied, since grpc takes its buffers back.
func (codec) Unmarshal(in mem.BufferSlice, v any) error {
	if f, ok := v.(*frame); ok {
		*f = slices.Grow((*f)[:0], in.Len())[:in.Len()]
		in.CopyTo(*f)
		return nil
	}
	return json.Unmarshal(in.Materialize(), v)
}
