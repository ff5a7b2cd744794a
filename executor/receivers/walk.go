package receivers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/tidemill/tidemill/dstream"
)

// opening is the first record of a segment's file, as JSON.
type opening struct {
	Start int64 `json:"start"`
	Until int64 `json:"until"`
}

// walk goes through the records of a segment's file.
type walk struct {
	opening
	at    int64  // place after the last record
	whole int64  // bytes of the file up to there
	frame []byte // the last one, until next is called

	r *bufio.Reader
}

// begin reads the opening.
func (w *walk) begin(r io.Reader) error {
	w.r = bufio.NewReaderSize(r, 64<<10)
	first, err := w.next()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(first.Payload, &w.opening); err != nil || w.Start < 0 || w.Until < 0 {
		return fmt.Errorf("%w: it does not say where it starts", dstream.ErrTorn)
	}
	w.at = w.Start
	return nil
}

// next reads a record. An empty one is the seal; io.EOF or dstream.ErrTorn: the file ends, or is damaged.
func (w *walk) next() (r dstream.JournalRecord, err error) {
	head, err := w.r.Peek(dstream.FrameHead)
	if err != nil {
		return r, err
	}
	n, err := dstream.FrameLength(head)
	if err != nil {
		return r, err
	}
	n += dstream.FrameHead
	w.frame = slices.Grow(w.frame[:0], n)[:n]
	if _, err := io.ReadFull(w.r, w.frame); err != nil {
		return r, err
	}
	if r, _, err = dstream.CutFrame(w.frame); err != nil {
		return r, err
	}
	r.At = w.at
	w.at += int64(len(r.Payload))
	w.whole += int64(n)
	return r, nil
}
