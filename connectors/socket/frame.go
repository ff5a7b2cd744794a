package socket

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A frame of the log is its length and a flag in 32 bits, the CRC-32C of those and of the payload in 32 more, both little
// endian, and the payload: whole lines, or the beginning of one that is too long.
const (
	headBytes = 8
	overlong  = 1 << 31
)

// maxPayload bounds the payload of a frame: what is received at once, and a whole line.
const maxPayload = maxLine + readBytes

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn is a frame that does not end, or does not have its checksum: the log ends before it, or is damaged.
var errTorn = errors.New("no whole frame")

func appendFrame(dst, payload []byte, flag uint32) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload))|flag)
	sum := crc32.Update(crc32.Checksum(dst[at:], castagnoli), castagnoli, payload)
	return append(binary.LittleEndian.AppendUint32(dst, sum), payload...)
}

// frame is one that was read.
type frame struct {
	payload []byte // part of the buffer
	long    bool   // the beginning of a line that is too long
}

// cutFrame takes the first frame of b.
func cutFrame(b []byte) (f frame, rest []byte, err error) {
	if len(b) < headBytes {
		return f, b, errTorn
	}
	word := binary.LittleEndian.Uint32(b)
	n := int(word &^ overlong)
	if n == 0 || n > maxPayload || len(b) < headBytes+n {
		return f, b, errTorn
	}
	payload := b[headBytes : headBytes+n : headBytes+n]
	if sum := crc32.Update(crc32.Checksum(b[:4], castagnoli), castagnoli, payload); sum != binary.LittleEndian.Uint32(b[4:]) {
		return f, b, fmt.Errorf("%w: its checksum is wrong", errTorn)
	}
	return frame{payload, word&overlong != 0}, b[headBytes+n:], nil
}
