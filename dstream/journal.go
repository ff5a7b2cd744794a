package dstream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Journal is the log of a source that cannot be read again: what it receives goes in there before it is acknowledged, and splits are ranges
// of it. Places in it count bytes of payload from the first that was ever received.
//
// The driver opens it once, at its first Plan. Read is called on the driver and on workers, at the same time for several splits, also where
// the log was never opened.
type Journal interface {
	// Open goes on with the log where the Position from, that of the last plan, says: empty means from its start. What was acknowledged and
	// not planned is in it again. It returns a *LossError if some of that is gone, and may wait until it knows.
	Open(ctx context.Context, from Offsets) (JournalWriter, error)
	// Place is the place that a Position names, 0 for an empty one. An error says that the offsets are not of such a log.
	Place(from Offsets) (int64, error)
	// Read calls each for the records, or parts of records, at places s.From … s.To−1 in order, until it returns false. s.Body is what
	// JournalWriter.Body has returned for the range, or for one that it is part of. Payloads are valid until each returns. What
	// each returns as an error is returned as it is.
	Read(ctx context.Context, s Split, each func(JournalRecord) (more bool, err error)) error
}

// JournalWriter is an opened log. It is wider than our interfaces are, since a log that is written, named and shortened has no smaller part
// that anybody could use alone. One goroutine appends; all methods are safe for concurrent use.
type JournalWriter interface {
	// Append adds a record, of 1 to MaxRecord bytes. It is kept after the next Sync and may be before. Payload is the caller's again when it returns. It
	// may wait for room or for executors. The log is dead after an error other than that of ctx.
	Append(ctx context.Context, payload []byte, cut bool) error
	// Sync makes all that was appended before as durable as the log can, and returns what it holds then: places start … end−1. Only now
	// may a receiver acknowledge.
	Sync(ctx context.Context) (start, end int64, err error)
	// Length is how many bytes lie in the log, those that are not durable yet included.
	Length() int64
	// Position names a place, at most the end of the last Sync, so that Open can go on there in another process: for Range.To.
	Position(at int64) Offsets
	// Body says where a range lies that Sync has returned, so that any worker can read it: for Split.Body.
	Body(from, to int64) []byte
	// Remove deletes what lies wholly before a Position: everything in it is committed. It need not be done when Remove returns.
	Remove(ctx context.Context, upTo Offsets) error
	// Close stops writing. What was appended after the last Sync may be lost.
	Close() error
}

// JournalRecord is what was appended at once, or the part of it that a range covers.
type JournalRecord struct {
	At      int64 // its place
	Payload []byte
	Cut     bool // as given to Append: what the connector means by it is its own matter
}

// MaxRecord is the largest payload of a record, in bytes.
const MaxRecord = 4 << 20

// A record is kept and sent as a frame: length and flag in 32 bits, the CRC-32C of those and of the payload in 32 more, both little endian,
// and the payload. An empty one marks the end of a log that nothing will be appended to.
const (
	// FrameHead is the length of a frame without its payload.
	FrameHead = 8
	cutFlag   = 1 << 31
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrTorn is a frame that does not end, or has another checksum: the log ends before it, or is damaged.
var ErrTorn = errors.New("no whole record")

// AppendFrame appends the frame of a record to dst.
func AppendFrame(dst, payload []byte, cut bool) []byte {
	at, word := len(dst), uint32(len(payload))
	if cut {
		word |= cutFlag
	}
	dst = binary.LittleEndian.AppendUint32(dst, word)
	sum := crc32.Update(crc32.Checksum(dst[at:], castagnoli), castagnoli, payload)
	return append(binary.LittleEndian.AppendUint32(dst, sum), payload...)
}

// FrameLength is the length of the payload of the frame that b starts with, at least FrameHead bytes, without a look at its checksum.
// ErrTorn: it cannot be a frame.
func FrameLength(b []byte) (int, error) {
	if len(b) < FrameHead {
		return 0, ErrTorn
	}
	n := int(binary.LittleEndian.Uint32(b) &^ cutFlag)
	if n > MaxRecord {
		return 0, ErrTorn
	}
	return n, nil
}

// CutFrame takes the first frame of b. The payload is part of b, and its place is not known here. ErrTorn: there is no whole frame.
func CutFrame(b []byte) (r JournalRecord, rest []byte, err error) {
	n, err := FrameLength(b)
	if err != nil || len(b) < FrameHead+n {
		return r, b, ErrTorn
	}
	payload := b[FrameHead : FrameHead+n : FrameHead+n]
	if sum := crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, payload); sum != binary.LittleEndian.Uint32(b[4:]) {
		return r, b, fmt.Errorf("%w: its checksum is wrong", ErrTorn)
	}
	return JournalRecord{Payload: payload, Cut: binary.LittleEndian.Uint32(b)&cutFlag != 0}, b[FrameHead+n:], nil
}

// Part is the part of a record that lies at places from … to−1; false if there is none.
func (r JournalRecord) Part(from, to int64) (JournalRecord, bool) {
	end := min(to, r.At+int64(len(r.Payload)))
	from = max(from, r.At)
	if from >= end {
		return JournalRecord{}, false
	}
	return JournalRecord{from, r.Payload[from-r.At : end-r.At], r.Cut}, true
}
