package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

func open[T any](u string) (dstream.RecordSink, error) {
	parsed, err := url.Parse(u)
	if err != nil {
		return nil, err
	}
	c, err := codec.Of[T]()
	if err != nil {
		return nil, err
	}
	return openSink(dstream.Endpoint{Name: "dead", URL: parsed, Rows: c})
}

func row(i int) dstream.DeadLetter {
	content := [][]byte{[]byte("{\"half\": \n"), {0xff, 0, 'x'}, []byte("ünï")}[i%3]
	return dstream.DeadLetter{Source: "ads", Position: fmt.Sprintf("ads/3@%d", i), Reason: "is no \"JSON\"", Bytes: content, Batch: int64(i)}
}

func readAll(dir string) ([]dstream.DeadLetter, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	if err != nil {
		return nil, err
	}
	var out []dstream.DeadLetter
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			var l letter
			if err := json.Unmarshal(line, &l); err != nil {
				return nil, err
			}
			if l.Text != nil && *l.Text != string(l.Bytes) {
				return nil, fmt.Errorf("text %q of bytes %q", *l.Text, l.Bytes)
			}
			out = append(out, dstream.DeadLetter{Source: l.Source, Position: l.Position, Reason: l.Reason, Bytes: l.Bytes, Batch: l.Batch})
		}
	}
	return out, nil
}

func TestConformance(t *testing.T) {
	conformance.Sink(t, conformance.Outlet[dstream.DeadLetter]{
		Open: func(dir string) (dstream.RecordSink, error) { return open[dstream.DeadLetter]("deadletter:" + dir) },
		Row:  row, Read: readAll,
	})
}

func TestOpenErrors(t *testing.T) {
	_, wrongRows := open[string]("deadletter:x")
	_, parameter := open[dstream.DeadLetter]("deadletter:x?rows=3")
	_, noPath := open[dstream.DeadLetter]("deadletter://")
	for want, err := range map[string]error{"it takes dead letters": wrongRows, "there are none": parameter, "names no path": noPath} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func letters(t *testing.T, rows ...dstream.DeadLetter) iter.Seq2[dstream.Output, error] {
	t.Helper()
	c, err := codec.Of[dstream.DeadLetter]()
	if err != nil {
		t.Fatal(err)
	}
	rec, err := codec.Encode(c, rows)
	return func(yield func(dstream.Output, error) bool) { yield(dstream.Output{Record: rec}, err) }
}

func TestRedoWithoutLettersRemovesTheFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s, err := open[dstream.DeadLetter]("deadletter:" + dir)
	if err != nil {
		t.Fatal(err)
	}
	id := dstream.WriteID{Batch: 3, Epoch: 1}
	if _, err := s.Write(context.Background(), id, letters(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a batch without letters made the folder")
	}
	for i, want := range []int{2, 0} {
		id.Epoch = int64(i + 1)
		if _, err := s.Write(context.Background(), id, letters(t, []dstream.DeadLetter{row(0), row(1)}[:want]...)); err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(dir); err != nil || len(got) != want {
			t.Errorf("%d letters, want %d, %v", len(got), want, err)
		}
	}
	id.Epoch = 1
	if _, err := s.Write(context.Background(), dstream.WriteID{Batch: 3, Epoch: 2}, letters(t, row(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(context.Background(), id, letters(t, row(0))); err == nil || !strings.Contains(err.Error(), "epoch 2 has written batch 3") {
		t.Errorf("got %v", err)
	}
}
