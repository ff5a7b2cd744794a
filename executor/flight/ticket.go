package flight

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Ticket names blocks of one holder: one bucket of parts of the output of a stage, in the order in which they are wanted.
type Ticket struct {
	Epoch       int64
	Batch       int64
	Incarnation uint64 // of the holder: what an earlier one held is gone
	Program     int
	Stage       int
	Bucket      int
	Parts       []Part
}

// Part is the partition of the stage that made a block, and the attempt that counts.
type Part struct{ Partition, Attempt int32 }

// maxParts bounds what one ticket asks for.
const maxParts = 1 << 20

const ticketVersion = 1

// errTicket is what errors of decodeTicket wrap.
var errTicket = errors.New("not a ticket of blocks")

func (t Ticket) encode() []byte {
	b := make([]byte, 0, 48+6*len(t.Parts))
	b = append(b, ticketVersion)
	b = binary.AppendVarint(b, t.Epoch)
	b = binary.AppendVarint(b, t.Batch)
	b = binary.LittleEndian.AppendUint64(b, t.Incarnation)
	for _, n := range []int{t.Program, t.Stage, t.Bucket, len(t.Parts)} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, p := range t.Parts {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(p.Partition)), uint64(p.Attempt))
	}
	return b
}

func decodeTicket(b []byte) (t Ticket, err error) {
	if len(b) == 0 || b[0] != ticketVersion {
		return t, fmt.Errorf("%w of this version", errTicket)
	}
	b = b[1:]
	number := func() int64 {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > math.MaxInt32 {
			err, b = errTicket, nil
			return 0
		}
		b = b[n:]
		return int64(v)
	}
	signed := func() int64 {
		v, n := binary.Varint(b)
		if n <= 0 {
			err, b = errTicket, nil
			return 0
		}
		b = b[n:]
		return v
	}
	t.Epoch, t.Batch = signed(), signed()
	if len(b) < 8 {
		return Ticket{}, errTicket
	}
	t.Incarnation, b = binary.LittleEndian.Uint64(b), b[8:]
	t.Program, t.Stage, t.Bucket = int(number()), int(number()), int(number())
	parts := number()
	if parts > maxParts || parts > int64(len(b)/2) { // a part has two bytes at least
		return Ticket{}, fmt.Errorf("%w: %d parts in %d bytes", errTicket, parts, len(b))
	}
	t.Parts = make([]Part, parts)
	for i := range t.Parts {
		t.Parts[i] = Part{int32(number()), int32(number())}
	}
	if err == nil && len(b) > 0 {
		err = fmt.Errorf("%w: %d bytes too many", errTicket, len(b))
	}
	return t, err
}
