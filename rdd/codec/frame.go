package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
)

// A frame is a record outside memory: in a spill file, a state segment, on the wire.
//
//	offset 0   magic "TMF", then the format's version, 1
//	       4   length of the body, 8 bytes little-endian
//	      12   CRC-32C of the 12 bytes before and of the body, 4 bytes little-endian
//	      16   body: an Arrow IPC stream of one record, uncompressed
//
// The checksum tells damage from truth; against a forger it does nothing, so the body
// is checked as if it were made to do harm.
const frameHeader = 16

const frameMagic = "TMF\x01"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrFrame is what errors of ReadFrame wrap when the bytes are not a sound frame,
// as opposed to a reader that fails.
var ErrFrame = errors.New("damaged frame")

// Limits bound what ReadFrame accepts. Zero fields mean the defaults.
type Limits struct {
	Bytes  int64 // longest body; default 1 GiB. Memory is taken only as bytes arrive
	Memory int64 // most memory for the record; default four times the body and 1 MiB
}

func (l Limits) withDefaults(body int64) Limits {
	if l.Bytes <= 0 {
		l.Bytes = 1 << 30
	}
	if l.Memory <= 0 {
		l.Memory = 4*body + 1<<20
	}
	return l
}

// AppendFrame appends the frame of rec to dst. It fails for columns of types that
// ReadFrame would refuse, such as unions.
func AppendFrame(dst []byte, rec arrow.Record) (frame []byte, err error) {
	for i, col := range rec.Columns() {
		if err := verify(col.Data()); err != nil {
			return dst, fmt.Errorf("frame column %q: %w", rec.ColumnName(i), err)
		}
	}
	defer func() {
		if p := recover(); p != nil {
			frame, err = dst, fmt.Errorf("frame %s: %v", rec.Schema(), p)
		}
	}()
	out := appender(append(dst, frameMagic+"            "...))
	w := ipc.NewWriter(&out, ipc.WithSchema(rec.Schema()))
	if err := errors.Join(w.Write(Compact(rec)), w.Close()); err != nil {
		return dst, fmt.Errorf("frame: %w", err)
	}
	head := out[len(dst):]
	binary.LittleEndian.PutUint64(head[4:], uint64(len(head)-frameHeader))
	binary.LittleEndian.PutUint32(head[12:], frameSum(head[:12], head[frameHeader:]))
	return out, nil
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

func frameSum(head, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, body)
}

// WriteFrame writes the frame of rec in one Write and returns its length and its
// checksum, which is also in it.
func WriteFrame(w io.Writer, rec arrow.Record) (n int64, crc uint32, err error) {
	frame, err := AppendFrame(nil, rec)
	if err != nil {
		return 0, 0, err
	}
	k, err := w.Write(frame)
	if err != nil {
		return int64(k), 0, fmt.Errorf("write frame: %w", err)
	}
	return int64(k), binary.LittleEndian.Uint32(frame[12:]), nil
}

// ReadFrame reads one frame and checks everything: the checksum first, then that no
// length, offset or count in it lies. Nothing else of r is read. It returns io.EOF
// if r ends before the frame, io.ErrUnexpectedEOF if within it, ErrFrame if the bytes
// are not a frame of ours, each wrapped but for io.EOF.
func ReadFrame(r io.Reader, limit Limits) (arrow.Record, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if err != io.EOF {
			err = fmt.Errorf("read frame header: %w", err)
		}
		return nil, err
	}
	if string(head[:3]) != frameMagic[:3] {
		return nil, fmt.Errorf("%w: begins with %q", ErrFrame, head[:4])
	}
	if head[3] != frameMagic[3] {
		return nil, fmt.Errorf("%w: format %d, this program reads format %d", ErrFrame, head[3], frameMagic[3])
	}
	length := binary.LittleEndian.Uint64(head[4:])
	limit = limit.withDefaults(int64(min(length, 1<<40)))
	if length > uint64(limit.Bytes) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, length, limit.Bytes)
	}
	room := bodies.Get().(*[]byte)
	defer giveBack(room)
	body, err := readBody(r, (*room)[:0], int(length))
	*room = body
	if err != nil {
		return nil, fmt.Errorf("read frame of %d bytes: %w", length, err)
	}
	if sum, want := frameSum(head[:12], body), binary.LittleEndian.Uint32(head[12:]); sum != want {
		return nil, fmt.Errorf("%w: checksum %08x, want %08x", ErrFrame, sum, want)
	}
	rec, err := decodeBody(body, limit)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFrame, err)
	}
	return rec, nil
}

// bodies is memory for bodies. It is used again: Arrow's reader copies what it makes a record of.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// maxRoom is the longest that is kept, so that one large frame does not occupy memory for ever.
const maxRoom = 4 << 20

func giveBack(room *[]byte) {
	if cap(*room) <= maxRoom {
		bodies.Put(room)
	}
}

// readBody appends n bytes to body. It takes memory as they arrive, so a length that lies costs
// no more than twice what was sent.
func readBody(r io.Reader, body []byte, n int) ([]byte, error) {
	for len(body) < n {
		from := len(body)
		step := min(n-from, max(from, cap(body)-from, 64<<10))
		body = slices.Grow(body, step)[:from+step]
		if _, err := io.ReadFull(r, body[from:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return body, err
		}
	}
	return body, nil
}

// decodeBody reads the IPC stream. Arrow panics at many lies; all become errors.
func decodeBody(body []byte, limit Limits) (rec arrow.Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			rec, err = nil, fmt.Errorf("%v", p)
		}
	}()
	messages := &messages{rest: body}
	r, err := ipc.NewReaderFromMessageReader(messages, ipc.WithAllocator(&quota{left: limit.Memory}), ipc.WithEnsureNativeEndian(false))
	if err != nil {
		return nil, err
	}
	if !r.Next() {
		return nil, errors.Join(r.Err(), errors.New("no record"))
	}
	rec = r.Record()
	if n := rec.NumRows(); n < 0 || n > maxRows {
		return nil, fmt.Errorf("%d rows", n)
	}
	for i, col := range rec.Columns() {
		if int64(col.Len()) != rec.NumRows() {
			return nil, fmt.Errorf("column %q of %d rows in a record of %d", rec.ColumnName(i), col.Len(), rec.NumRows())
		}
		if err := verify(col.Data()); err != nil {
			return nil, fmt.Errorf("column %q: %w", rec.ColumnName(i), err)
		}
	}
	rec.Retain()
	if r.Next() || r.Err() != nil || len(messages.rest) > 0 {
		return nil, errors.New("bytes behind the record")
	}
	return rec, nil
}
