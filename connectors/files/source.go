package files

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSource("files", func(e dstream.Endpoint) (dstream.Connector, error) { return openSource(e) })
	dstream.RegisterSink("files", func(e dstream.Endpoint) (dstream.RecordSink, error) { return openSink(e) })
}

// Source reads the files of a folder. Read is safe for concurrent use.
type Source struct {
	path    string
	single  bool // path is a file's
	pattern string
	bounded bool
	split   int64
	age     time.Duration
	decoder func() format.Decoder
	records records
}

func openSource(e dstream.Endpoint) (*Source, error) {
	p := param.Of(e.URL)
	s := &Source{
		pattern: p.String("pattern", "*"), bounded: p.Bool("bounded", false),
		split: p.Int("split", 64<<20, 1, 1<<50), age: p.Duration("age", 24*time.Hour, time.Second),
	}
	var err error
	if s.decoder, err = format.Open(e, p.Names()...); err != nil {
		return nil, err
	}
	if err := p.Bad(); err != nil {
		return nil, err
	}
	if _, err := filepath.Match(s.pattern, ""); err != nil {
		return nil, fmt.Errorf("%s: pattern %q: %w", e.URL.Redacted(), s.pattern, err)
	}
	if s.path, err = param.Path(e.URL); err != nil {
		return nil, err
	}
	st, err := os.Stat(s.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: make the folder first", e.URL.Redacted(), err)
	}
	s.single = st.Mode().IsRegular()
	s.bounded = s.bounded || s.single
	s.records = recordsOf(e.URL, s.path)
	return s, nil
}

// body is what a split needs beside its name and range. The ranges of all splits lie one behind the other, as if the files were
// one: event time goes on from file to file, and a name for each would hold a watermark back at the end of every file.
type body struct {
	File  string `json:"file"`
	At    int64  `json:"at"` // of the range in the file
	Size  int64  `json:"size"`
	Mtime int64  `json:"mtime"` // ns since 1970
	Hash  uint64 `json:"hash"`  // xxh3 of the range
	Line  int64  `json:"line"`  // newlines before the range
}

// Plan takes files in their order as far as the limit goes.
func (s *Source) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at, err := parsePlace(from)
	if err != nil {
		return dstream.Range{}, err
	}
	there, err := s.list()
	if err != nil {
		return dstream.Range{}, err
	}
	todo, err := at.todo(there, s.age)
	if err != nil {
		return dstream.Range{}, fmt.Errorf("folder %s: %w", s.path, err)
	}
	if s.bounded && at.Until == nil {
		at.Until = last(there)
	}
	budget := budget{limit: limit}
	var splits []dstream.Split
	var waiting []file
	for _, f := range todo {
		if s.bounded && f.after(*at.Until) {
			continue
		}
		done := false
		if len(waiting) == 0 && !budget.spent() {
			if done, err = s.take(ctx, f, &at, &budget, &splits); err != nil {
				return dstream.Range{}, fmt.Errorf("plan file %s: %w", filepath.Join(s.path, f.name), err)
			}
		}
		if !done {
			waiting = append(waiting, f)
		}
	}
	at.hold(waiting, s.age)
	at.forget(there, s.age)
	to, err := json.Marshal(at)
	return dstream.Range{To: to, Splits: splits, Ended: s.bounded && len(waiting) == 0}, err
}

// take plans as much of a file as the budget allows. done means all of it.
func (s *Source) take(ctx context.Context, f file, at *place, b *budget, to *[]dstream.Split) (done bool, err error) {
	var from, line int64
	if at.File != nil { // it comes first
		from, line = at.File.At, at.File.Line
	}
	r, err := s.open(f.name)
	if err != nil {
		return false, err
	}
	defer r.Close()
	w := &walker{r: r, at: from, line: line, size: f.size, records: s.records.begin()}
	for w.at < f.size && !b.spent() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		piece := body{File: f.name, At: w.at, Size: f.size, Mtime: f.mtime, Line: w.line}
		if piece.Hash, err = w.walk(b, s.split); err != nil {
			return false, err
		}
		content, _ := json.Marshal(piece)
		next := at.Total + w.at - piece.At
		*to = append(*to, dstream.Split{Name: filepath.Base(s.path), From: at.Total, To: next, Body: content})
		at.Total = next
	}
	if w.at < f.size {
		at.File = &partial{Name: f.name, Size: f.size, Mtime: f.mtime, At: w.at, Line: w.line}
		return false, nil
	}
	at.finish(f)
	return true, nil
}

func (s *Source) open(name string) (*os.File, error) {
	if s.single {
		return os.Open(s.path)
	}
	return os.Open(filepath.Join(s.path, name))
}
