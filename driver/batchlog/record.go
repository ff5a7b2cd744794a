package batchlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/tidemill/tidemill/driver/store"
)

// Batch numbers batches: each is its predecessor plus one.
type Batch int64

// Type says what a record means.
type Type uint8

// The types with a meaning to the log. From Note on they are the caller's: the
// log keeps them in order and asks nothing of their batch numbers.
const (
	Plan   Type = 1 // the input of batch n is fixed
	Abort  Type = 2 // the plan of batch n is dead
	Commit Type = 3 // batch n has happened
	Note   Type = 16

	segmentType  Type = 4 // first record of a segment
	manifestType Type = 5 // the only record of a manifest
)

// String returns the type's name as the command line shows it.
func (t Type) String() string {
	switch t {
	case Plan:
		return "PLAN"
	case Abort:
		return "ABORT"
	case Commit:
		return "COMMIT"
	case segmentType:
		return "SEGMENT"
	case manifestType:
		return "MANIFEST"
	}
	return fmt.Sprintf("NOTE+%d", t-Note)
}

// Record is one entry of the log.
type Record struct {
	Type    Type
	Batch   Batch
	Epoch   store.Epoch // of the driver that wrote it
	Payload []byte
}

// MaxPayload bounds one payload: what is larger belongs into a file of its own,
// which the record names.
const MaxPayload = 64 << 20

// header is the fixed part of a record on disk, little endian:
//
//	 0 magic   "TMR1"
//	 4 length  uint32, of the payload
//	 8 crc     CRC32C of offset (uint64), bytes 0-8, bytes 12-56, payload
//	12 type    uint8
//	13 flags   uint8
//	14 zero    uint16
//	16 epoch   uint64
//	24 batch   int64
//	32 durable uint64, bytes of the segment that were synced when it was written
//	40 prev    [16]byte, digest of the record before it, also across segments
type header struct {
	length  uint32
	typ     Type
	flags   uint8
	epoch   store.Epoch
	batch   Batch
	durable int64
	prev    digest
}

const (
	headerSize = 56
	// flagCopy marks a record in a segment's head that repeats an earlier one.
	flagCopy = 1
)

var (
	magic      = []byte("TMR1")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// digest is the first half of the SHA-256 of a record. As each record holds its
// predecessor's, it stands for the whole log up to there.
type digest [16]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

func digestOf(record []byte) digest {
	sum := sha256.Sum256(record)
	return digest(sum[:16])
}

// appendRecord appends the encoding of a record that will lie at off.
func appendRecord(b []byte, off int64, h header, payload []byte) []byte {
	at := len(b)
	b = slices.Grow(b, headerSize+len(payload))
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	b = append(b, 0, 0, 0, 0, byte(h.typ), h.flags, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.epoch))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.batch))
	b = binary.LittleEndian.AppendUint64(b, uint64(h.durable))
	b = append(b, h.prev[:]...)
	b = append(b, payload...)
	binary.LittleEndian.PutUint32(b[at+8:], checksum(off, b[at:]))
	return b
}

func checksum(off int64, record []byte) uint32 {
	var o [8]byte
	binary.LittleEndian.PutUint64(o[:], uint64(off))
	c := crc32.Update(0, castagnoli, o[:])
	c = crc32.Update(c, castagnoli, record[:8])
	return crc32.Update(c, castagnoli, record[12:])
}

var (
	errCutShort = errors.New("record is cut short")
	errNoRecord = errors.New("no record starts here")
	errChecksum = errors.New("checksum does not fit")
)

// parseHeader reads the header of a record at off in a segment of size bytes.
// It promises only that the payload lies inside the segment.
func parseHeader(b []byte, off, size int64) (header, error) {
	if len(b) < headerSize {
		return header{}, errCutShort
	}
	if !bytes.Equal(b[:4], magic) {
		return header{}, errNoRecord
	}
	h := header{
		length:  binary.LittleEndian.Uint32(b[4:]),
		typ:     Type(b[12]),
		flags:   b[13],
		epoch:   store.Epoch(binary.LittleEndian.Uint64(b[16:])),
		batch:   Batch(binary.LittleEndian.Uint64(b[24:])),
		durable: int64(binary.LittleEndian.Uint64(b[32:])),
		prev:    digest(b[40:56]),
	}
	if h.length > MaxPayload || off+headerSize+int64(h.length) > size {
		return header{}, errCutShort
	}
	return h, nil
}

// verify checks a whole record at off.
func verify(record []byte, off int64) error {
	if binary.LittleEndian.Uint32(record[8:]) != checksum(off, record) {
		return errChecksum
	}
	return nil
}
