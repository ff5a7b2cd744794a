package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tidemill/tidemill/dstream"
	"github.com/zeebo/xxh3"
)

// budget is what is left of a batch's limit.
type budget struct {
	limit       dstream.Limit
	rows, bytes int64
}

func (b *budget) spent() bool {
	return b.limit.Rows > 0 && b.rows >= b.limit.Rows || b.limit.Bytes > 0 && b.bytes >= b.limit.Bytes
}

// walker finds the ends of records in a file.
type walker struct {
	r        io.ReaderAt
	at, line int64 // how far it is: bytes, and newlines among them
	size     int64 // of the file
	records  records
	buf      []byte
}

const walkBytes = 256 << 10

// walk moves on over whole records until the budget is spent, size bytes are passed or the file ends, and returns the hash of
// what it passed.
func (w *walker) walk(b *budget, size int64) (uint64, error) {
	h := xxh3.New()
	if w.buf == nil {
		w.buf = make([]byte, walkBytes)
	}
	for from := w.at; w.at < w.size; {
		n, err := w.r.ReadAt(w.buf[:min(walkBytes, w.size-w.at)], w.at)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				return 0, fmt.Errorf("ends at byte %d of %d: it shrank while it was planned", w.at, w.size)
			}
			return 0, err
		}
		took, full := w.pass(w.buf[:n], b, from+size)
		h.Write(w.buf[:took])
		if full {
			break
		}
	}
	return h.Sum64(), nil
}

// pass moves on over b, at most to the end of the record with which the budget is spent or place until is reached.
func (w *walker) pass(b []byte, left *budget, until int64) (took int, full bool) {
	for took < len(b) {
		n, ended := w.records.next(b[took:])
		took += n
		w.at += int64(n)
		left.bytes += int64(n)
		if !ended && w.at < w.size {
			break
		}
		left.rows++ // the last record of a file may lack its end
		if left.spent() || w.at >= until {
			full = true
			break
		}
	}
	w.line += int64(bytes.Count(b[:took], newline))
	return took, full
}

var newline = []byte{'\n'}
