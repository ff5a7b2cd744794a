package console

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

type row struct {
	Word string
	N    int
	At   time.Time
}

func open(t *testing.T, u string, w *bytes.Buffer) (*Sink, error) {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.Of[row]()
	if err != nil {
		t.Fatal(err)
	}
	return Open(dstream.Endpoint{URL: parsed, Rows: c}, w)
}

func chunks(t *testing.T, deleted []bool, rows ...row) iter.Seq2[dstream.Output, error] {
	c, _ := codec.Of[row]()
	rec, err := codec.Encode(c, rows)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(dstream.Output, error) bool) {
		yield(dstream.Output{Record: rec, Deleted: deleted}, nil)
	}
}

func TestPrintsFirstRowsOfAllPartitions(t *testing.T) {
	var w bytes.Buffer
	s, err := open(t, "console://?rows=3&width=8", &w)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	id := dstream.WriteID{Batch: 7, Timestamp: at.UnixMicro()}
	var receipts []dstream.Receipt
	for _, part := range []iter.Seq2[dstream.Output, error]{
		chunks(t, nil, row{"the", 12, at}, row{"\x1b[2J", 3, at}),
		chunks(t, []bool{true, false}, row{"überlang und mehr", 100, at}, row{"d", 1, at}),
		func(func(dstream.Output, error) bool) {},
	} {
		r, err := s.Write(context.Background(), id, part)
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, r)
	}
	if err := s.Finish(context.Background(), id, receipts); err != nil {
		t.Fatal(err)
	}
	want := `-------------------------------------------
Time: 2026-01-02 03:04:05.000  batch 7
-------------------------------------------
Word      N    At
the       12   2026-01…
\x1b[2J   3    2026-01…
überlan…  100  2026-01…  (deleted)
... and 1 more

`
	if w.String() != want {
		t.Errorf("got\n%s\nwant\n%s", w.String(), want)
	}
	w.Reset()
	if err := s.Finish(context.Background(), id, receipts[2:]); err != nil || w.Len() > 0 {
		t.Errorf("an empty batch printed %q, %v", w.String(), err)
	}
}

func TestOpenErrors(t *testing.T) {
	for u, want := range map[string]string{"console://?row=1": "known are rows, width", "console://x": "has no path", "console://?rows=0": "want a whole number"} {
		if _, err := open(t, u, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", u, err, want)
		}
	}
}

func TestConformance(t *testing.T) {
	conformance.Sink(t, conformance.Outlet[conformance.Row]{
		Open: func(string) (dstream.RecordSink, error) {
			c, err := codec.Of[conformance.Row]()
			if err != nil {
				return nil, err
			}
			return Open(dstream.Endpoint{URL: &url.URL{Scheme: "console"}, Rows: c}, io.Discard)
		},
		Row: conformance.NewRow,
	})
	conformance.Kinds(t, func(_ string, c *codec.Codec) (dstream.RecordSink, error) {
		return Open(dstream.Endpoint{URL: &url.URL{Scheme: "console"}, Rows: c}, io.Discard)
	})
}
