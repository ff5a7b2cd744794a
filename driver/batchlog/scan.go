package batchlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tidemill/tidemill/driver/store"
)

// scanner reads the records of one segment in order and checks that each
// follows from the one before.
type scanner struct {
	place  string
	name   segmentName
	r      io.ReaderAt
	size   int64 // bytes that count
	sealed bool  // size was given by the successor

	off     int64
	record  int // ordinal of the record at off
	prev    digest
	durable int64 // bytes that are known to have been synced
	copies  int   // still to come in the head
	life    life
	window  []byte // bytes at winOff, read ahead
	winOff  int64
}

// readAhead is what a scanner reads at once: large against a record, small
// against a segment.
const readAhead = 256 << 10

// at returns n bytes at off, valid until the next call.
func (s *scanner) at(off, n int64) ([]byte, error) {
	if off < s.winOff || off+n > s.winOff+int64(len(s.window)) {
		want := min(max(n, readAhead), s.size-off)
		if int64(cap(s.window)) < want || cap(s.window) > 4*readAhead {
			s.window = make([]byte, want)
		}
		got, err := s.read(s.window[:want], off)
		s.window, s.winOff = s.window[:got], off
		if err != nil {
			return nil, err
		}
		if int64(got) < n {
			return nil, errBad{errCutShort}
		}
	}
	return s.window[off-s.winOff:][:n], nil
}

// read fills b from off, or as much as there is: a driver at work cuts the
// zeros off the end of a segment, so the newest one may shrink under a reader.
func (s *scanner) read(b []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(b, off)
	if n == len(b) {
		return n, nil
	}
	if err == io.EOF && !s.sealed {
		s.size = max(s.off, off+int64(n))
		return n, nil
	}
	return n, fmt.Errorf("read log segment %s of checkpoint %s: %w", s.name.file(), s.place, err)
}

// errBad marks a record that is not one: a torn tail or damage, as its
// neighbourhood will say.
type errBad struct{ error }

// peek decodes the record at off, wherever that is.
func (s *scanner) peek(off int64) (header, []byte, error) {
	b, err := s.at(off, min(headerSize, s.size-off))
	if err != nil {
		return header{}, nil, err
	}
	h, err := parseHeader(b, off, s.size)
	if err != nil {
		return h, nil, errBad{err}
	}
	if b, err = s.at(off, headerSize+int64(h.length)); err != nil {
		return h, nil, err
	}
	if err := verify(b, off); err != nil && !(planted && off+int64(len(b)) == s.size) {
		return h, nil, errBad{err}
	}
	return h, b, nil
}

// next returns the next record and whether it is a copy; io.EOF at the end, an
// errBad at a bad record, *DamagedError at a good one in the wrong place. The
// payload is valid until the next call.
func (s *scanner) next() (Record, bool, error) {
	if s.off == s.size {
		if s.copies > 0 || s.record == 0 {
			return Record{}, false, s.damaged("its head is cut short")
		}
		return Record{}, false, io.EOF
	}
	h, b, err := s.peek(s.off)
	if err != nil {
		if errors.As(err, new(errBad)) && (s.record == 0 || s.copies > 0) {
			err = s.damaged("its head, which is written at once: " + err.Error())
		}
		return Record{}, false, err
	}
	r := Record{Type: h.typ, Batch: h.batch, Epoch: h.epoch, Payload: b[headerSize:]}
	if err := s.follow(h, r); err != nil {
		return Record{}, false, err
	}
	s.prev = digestOf(b)
	s.off += int64(len(b))
	if s.durable = h.durable; s.record == 0 || h.flags&flagCopy != 0 {
		s.durable = s.off // a head is published, so it was synced
	}
	s.record++
	return r, h.flags&flagCopy != 0, nil
}

func (s *scanner) follow(h header, r Record) error {
	switch {
	case h.epoch != s.name.epoch:
		return s.damaged(fmt.Sprintf("the record says epoch %d", h.epoch))
	case h.prev != s.prev:
		return s.damaged("the record does not follow from the one before it")
	case (h.typ == segmentType) != (s.record == 0):
		return s.damaged("a record of type " + h.typ.String() + " has no place here")
	case (h.flags&flagCopy != 0) != (s.copies > 0):
		return s.damaged("a copy has no place here, or is missing")
	case h.typ == segmentType:
		return s.begin(r)
	}
	r.Payload = bytes.Clone(r.Payload)
	if s.copies > 0 {
		s.copies--
		if h.typ == Commit {
			s.life.commit = &r
		} else {
			s.life.open = append(s.life.open, r)
		}
		return nil
	}
	if err := s.life.apply(r); err != nil {
		return s.damaged(err.Error())
	}
	return nil
}

func (s *scanner) begin(r Record) error {
	var h head
	if err := json.Unmarshal(r.Payload, &h); err != nil {
		return s.damaged("head: " + err.Error())
	}
	s.life, s.copies = life{started: h.Started, next: h.Next}, h.Copies
	return nil
}

func (s *scanner) damaged(what string) error {
	return &DamagedError{Place: s.place, File: s.name.file(), Offset: s.off, Record: s.record, What: what}
}

// tail looks at what follows the bad record at s.off in the newest segment. It
// returns the bytes of a torn tail, without the zeros that a log may end in, or
// *DamagedError if a later record shows that this one was durable once: the
// append that wrote it came after the sync of this one.
func (s *scanner) tail(cause error) ([]byte, error) {
	end, err := s.lastByte()
	if err != nil {
		return nil, err
	}
	rest := make([]byte, end-s.off)
	n, err := s.read(rest, s.off)
	if err != nil {
		return nil, err
	}
	rest = bytes.TrimRight(rest[:n], "\x00")
	for at := 1; ; at++ {
		i := bytes.Index(rest[min(at, len(rest)):], magic)
		if i < 0 {
			return rest, nil
		}
		at += i
		off := s.off + int64(at)
		h, _, err := s.peek(off)
		if err == nil && h.epoch == s.name.epoch && h.durable > s.off {
			return nil, s.damaged(fmt.Sprintf("%v, yet a good record follows at offset %d", cause, off))
		}
		if err != nil && !errors.As(err, new(errBad)) {
			return nil, err
		}
	}
}

// lastByte returns an offset behind which there are only zeros, by chunks: a log
// in use ends in megabytes of them.
func (s *scanner) lastByte() (int64, error) {
	end, chunk := s.off, make([]byte, min(readAhead, max(s.size-s.off, 0)))
	for off := s.off; off < s.size; off += readAhead {
		n, err := s.read(chunk[:min(readAhead, s.size-off)], off)
		if err != nil {
			return 0, err
		}
		if !bytes.Equal(chunk[:n], zeros[:n]) {
			end = off + int64(n)
		}
	}
	return end, nil
}

var zeros = make([]byte, readAhead)

// openSegment opens a scanner over the first length bytes of a segment; -1 means
// all that are there. The caller closes the reader.
func openSegment(st store.Store, n segmentName, length int64) (*scanner, store.Reader, error) {
	r, err := st.Open(n.file())
	if err != nil {
		return nil, nil, fmt.Errorf("open log segment %s of checkpoint %s: %w", n.file(), st, err)
	}
	s := &scanner{place: st.String(), name: n, r: r, size: r.Size()}
	if length > s.size {
		s.off, s.record = s.size, -1
		err := s.damaged(fmt.Sprintf("it ends here but was %d bytes long when it was sealed", length))
		return nil, nil, errors.Join(err, r.Close())
	}
	if length >= 0 {
		s.size, s.sealed = length, true
	}
	return s, r, nil
}
