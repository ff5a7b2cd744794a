package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/dstream"
	"github.com/zeebo/xxh3"
)

// Read decodes the records of a split, and checks that they are those that were planned.
func (s *Source) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	var want body
	if err := json.Unmarshal(c.Body, &want); err != nil || filepath.Base(want.File) != want.File || want.At < 0 || c.From > c.To {
		return 0, fmt.Errorf("files: split %q is not of this source", c.Name)
	}
	c = dstream.Split{Name: want.File, From: want.At, To: want.At + c.To - c.From} // of the file
	f, err := s.open(c.Name)
	if err != nil {
		return 0, fmt.Errorf("file %s was planned but cannot be read: %w: put it back, or start over with a fresh checkpoint", c.Name, err)
	}
	defer f.Close()
	if err := check(f, c.Name, want); err != nil {
		return 0, err
	}
	r := &reader{f: f, split: c, line: want.Line, decoder: s.decoder(), hash: xxh3.New()}
	if err := r.start(); err != nil {
		return 0, fmt.Errorf("read file %s: %w", c.Name, err)
	}
	if fetched, err = r.read(ctx, to); err != nil {
		return fetched, err
	}
	if r.hash.Sum64() != want.Hash {
		return fetched, fmt.Errorf("file %s: bytes %d to %d have changed since they were planned: put them back as they were, or start over with a fresh checkpoint", c.Name, c.From, c.To)
	}
	return fetched, nil
}

func check(f *os.File, name string, want body) error {
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("file %s: %w", name, err)
	}
	return unchanged(fileOf(name, st), want.Size, want.Mtime)
}

// reader decodes a split. Buffers are not used twice, since rows point into them.
type reader struct {
	f       *os.File
	split   dstream.Split
	decoder format.Decoder
	hash    *xxh3.Hasher

	buf  []byte // read but not decoded
	next int64  // place of the first byte that was not read
	line int64  // newlines before buf
}

const readBytes = 256 << 10

// start shows the decoder the beginning of the file.
func (r *reader) start() error {
	r.next = r.split.From
	if r.split.From == 0 {
		r.decoder.Start(nil)
		return nil
	}
	head := make([]byte, min(format.MaxHeader, r.split.From))
	if _, err := r.f.ReadAt(head, 0); err != nil {
		return err
	}
	r.decoder.Start(head)
	return nil
}

func (r *reader) read(ctx context.Context, to *dstream.Reader) (fetched int64, err error) {
	for r.next < r.split.To || len(r.buf) > 0 {
		if err := ctx.Err(); err != nil {
			return fetched, err
		}
		if err := r.fill(); err != nil {
			return fetched, fmt.Errorf("read file %s: %w", r.split.Name, err)
		}
		last := r.next == r.split.To
		n, records, err := r.decoder.Decode(r.buf, last, r.position(), to)
		fetched += records
		if err != nil {
			return fetched, err
		}
		if last && n < len(r.buf) {
			return fetched, fmt.Errorf("read file %s: the decoder left %d bytes at the end", r.split.Name, len(r.buf)-n)
		}
		r.line += int64(bytes.Count(r.buf[:n], newline))
		r.buf = r.buf[n:]
	}
	return fetched, nil
}

// fill reads on into a new buffer, which begins with what is left of the old one and has room for as much again.
func (r *reader) fill() error {
	n := int(min(max(readBytes, int64(len(r.buf))), r.split.To-r.next))
	buf := make([]byte, len(r.buf)+n)
	at := copy(buf, r.buf)
	if _, err := r.f.ReadAt(buf[at:], r.next); err != nil && (n > 0 || !errors.Is(err, io.EOF)) {
		return err
	}
	r.hash.Write(buf[at:])
	r.buf, r.next = buf, r.next+int64(n)
	return nil
}

// position names places of buf by their line. They are asked for in rising order.
func (r *reader) position() func(int) string {
	buf, at, line := r.buf, 0, r.line+1
	return func(offset int) string {
		if offset < at {
			at, line = 0, r.line+1
		}
		line += int64(bytes.Count(buf[at:offset], newline))
		at = offset
		return r.split.Name + ":" + strconv.FormatInt(line, 10)
	}
}
