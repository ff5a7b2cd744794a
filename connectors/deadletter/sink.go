package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/internal/publish"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSink("deadletter", func(e dstream.Endpoint) (dstream.RecordSink, error) { return openSink(e) })
}

// Sink writes a file a partition and batch that has dead letters. It is safe for concurrent use.
type Sink struct{ dir string }

func openSink(e dstream.Endpoint) (*Sink, error) {
	dir, err := param.Path(e.URL)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return nil, fmt.Errorf("%s: %s is a file: name a folder", e.URL.Redacted(), dir)
	}
	var have []string
	for _, f := range e.Rows.Fields {
		have = append(have, f.Name)
	}
	if got := strings.Join(have, ","); got != "source,position,reason,bytes,batch" {
		return nil, fmt.Errorf("%s: it takes dead letters, not rows of %s: use it as the job's dead-letter sink", e.URL.Redacted(), e.Rows.Type)
	}
	return &Sink{dir}, param.Of(e.URL).Err()
}

// Guarantee is ExactlyOnce.
func (s *Sink) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }

// letter is a line of a file.
type letter struct {
	Source   string  `json:"source"`
	Position string  `json:"position"`
	Reason   string  `json:"reason"`
	Text     *string `json:"text,omitempty"`
	Bytes    []byte  `json:"base64"`
	Batch    int64   `json:"batch"`
}

// Write replaces the files of the partition and batch by one with the given letters, or by none.
func (s *Sink) Write(ctx context.Context, id dstream.WriteID, rows iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	name := prefix(id) + strconv.FormatInt(id.Epoch, 10) + extension
	f := &draft{dir: s.dir, name: name}
	defer f.discard()
	for out, err := range rows {
		if err = errors.Join(err, ctx.Err()); err == nil {
			err = f.add(out.Record)
		}
		if err != nil {
			return dstream.Receipt{}, err
		}
	}
	old, err := s.others(id, name)
	if err != nil {
		return dstream.Receipt{}, err
	}
	if f.rows > 0 {
		err = f.file.Commit(filepath.Join(s.dir, name))
	} else {
		old = append(old, filepath.Join(s.dir, name))
	}
	for _, path := range old { // behind the new one: a crash in between leaves letters twice, not none, until the redo
		if err != nil {
			break
		}
		if err = os.Remove(path); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return dstream.Receipt{}, err
	}
	return dstream.Receipt{Rows: f.rows}, nil
}

// draft is a file that is made with its first letter: most batches have none.
type draft struct {
	dir, name string
	file      *publish.File
	rows      int64
}

func (d *draft) add(rec arrow.Record) (err error) {
	if rec.NumRows() == 0 {
		return nil
	}
	if d.file == nil {
		if d.file, err = publish.Create(filepath.Join(d.dir, "_tmp"), d.name); err != nil {
			return err
		}
	}
	d.rows += rec.NumRows()
	return write(d.file, rec)
}

func (d *draft) discard() {
	if d.file != nil {
		d.file.Discard()
	}
}

const extension = ".ndjson"

// prefix begins the names of a partition's files; the epoch follows.
func prefix(id dstream.WriteID) string { return fmt.Sprintf("%012d-%05d-e", id.Batch, id.Partition) }

// others returns the partition's files of older epochs, and fails if there is one of a newer epoch.
func (s *Sink) others(id dstream.WriteID, name string) ([]string, error) {
	var out []string
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), prefix(id))
		if !ok || e.Name() == name {
			continue
		}
		epoch, err := strconv.ParseInt(strings.TrimSuffix(rest, extension), 10, 64)
		if err != nil {
			continue // not ours
		}
		if epoch > id.Epoch {
			return nil, fmt.Errorf("epoch %d has written batch %d to %s, so epoch %d may not: another driver took over; if the job was started over on purpose, name another folder", epoch, id.Batch, s.dir, id.Epoch)
		}
		out = append(out, filepath.Join(s.dir, e.Name()))
	}
	return out, nil
}

func write(w io.Writer, rec arrow.Record) error {
	source, position, reason := rec.Column(0).(*array.String), rec.Column(1).(*array.String), rec.Column(2).(*array.String)
	content, batch := rec.Column(3).(*array.Binary), rec.Column(4).(*array.Int64)
	for i := range int(rec.NumRows()) {
		l := letter{source.Value(i), position.Value(i), reason.Value(i), nil, content.Value(i), batch.Value(i)}
		if l.Bytes == nil {
			l.Bytes = []byte{}
		}
		if utf8.Valid(l.Bytes) {
			text := string(l.Bytes)
			l.Text = &text
		}
		line, err := json.Marshal(l)
		if err != nil {
			return err
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("write dead letters: %w", err)
		}
	}
	return nil
}
