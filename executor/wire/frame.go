package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A frame on the stream between driver and worker:
//
//	offset 0   "TW", the format's version 1, the kind of the body
//	       4   CRC-32C of the 4 bytes before and of the body, 4 bytes little-endian
//	       8   body
//
// Its length is told by what carries it, and bounded by MaxFrame. A body of messages or reports begins with the Header and the frame's
// number, and has any number of messages, none for a beat; the others have one Attach, Hello or error.
const frameHead = 8

// MaxFrame is the most bytes that a frame may have: more than what a body of ForEach may collect, and little enough that it does not
// keep the beats behind it from coming in time.
const MaxFrame = 128 << 20

// fullFrame is the size from which a frame takes no more messages.
const fullFrame = 1 << 20

// Decoded, a frame takes at most so many bytes of memory for each of its own, and so many more.
const quotaFactor, quotaFloor = 32, 1 << 20

type kind byte

const (
	kindAttach kind = iota + 1
	kindHello
	kindRefusal
	kindMessages
	kindReports
)

const frameMagic, frameVersion = "TW", 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// begin appends the head of a frame; end fills in its checksum.
func begin(dst []byte, k kind) []byte {
	return append(dst, frameMagic[0], frameMagic[1], frameVersion, byte(k), 0, 0, 0, 0)
}

// end completes the frame that begins at from.
func end(dst []byte, from int) ([]byte, error) {
	frame := dst[from:]
	if len(frame) > MaxFrame {
		return dst[:from], fmt.Errorf("a frame of %d bytes, at most %d: the results of actions and the receipts of sinks must be small", len(frame), MaxFrame)
	}
	binary.LittleEndian.PutUint32(frame[4:], frameSum(frame))
	return dst, nil
}

func frameSum(frame []byte) uint32 {
	return crc32.Update(crc32.Checksum(frame[:4], castagnoli), castagnoli, frame[frameHead:])
}

// open checks a frame and returns a decoder of its body.
func open(frame []byte, n *names) (kind, *decoder, error) {
	if len(frame) < frameHead || len(frame) > MaxFrame || string(frame[:2]) != frameMagic {
		return 0, nil, fmt.Errorf("%w: %d bytes that begin with %q", ErrFrame, len(frame), frame[:min(len(frame), 4)])
	}
	if frame[2] != frameVersion {
		return 0, nil, fmt.Errorf("%w: format %d, this program reads format %d", ErrFrame, frame[2], frameVersion)
	}
	if sum, want := frameSum(frame), binary.LittleEndian.Uint32(frame[4:]); sum != want {
		return 0, nil, fmt.Errorf("%w: checksum %08x, want %08x", ErrFrame, sum, want)
	}
	return kind(frame[3]), &decoder{rest: frame[frameHead:], left: quotaFloor + quotaFactor*len(frame), names: n}, nil
}

// openAs is open for a frame that must be of one kind.
func openAs(frame []byte, want kind, n *names) (*decoder, error) {
	k, d, err := open(frame, n)
	switch {
	case err != nil:
		return nil, err
	case k == kindRefusal:
		if err = readError(d); d.close() != nil {
			return nil, d.err
		}
		return nil, &RefusedError{err}
	case k != want:
		return nil, fmt.Errorf("%w: of kind %d where kind %d must come", ErrFrame, k, want)
	}
	return d, nil
}

// close says whether all was read and nothing is left.
func (d *decoder) close() error {
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes too many", len(d.rest))
	}
	return d.err
}
