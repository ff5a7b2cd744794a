package cassandra

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/cassandra/internal/fakecql"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	"go.uber.org/goleak"
)

// view is a row with a key of two columns, and columns that may be null.
type view struct {
	K    string  `col:"k,partition"`
	C    int32   `col:"c,key"`
	V    *string `col:"v"`
	N    *int64  `col:"n"`
	Gone bool    `col:"-"`
}

func (v view) Deleted() bool { return v.Gone }

func (v view) String() string {
	text, n := "-", "-"
	if v.V != nil {
		text = *v.V
	}
	if v.N != nil {
		n = fmt.Sprint(*v.N)
	}
	return fmt.Sprintf("%s/%d %s %s", v.K, v.C, text, n)
}

func ptr[T any](v T) *T { return &v }

const viewTable = "CREATE TABLE ks.t (k text, c int, v text, n bigint, PRIMARY KEY ((k), c))"

func endpointOf[T any](t testing.TB, raw string) dstream.Endpoint {
	t.Helper()
	u, err := dstream.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	return dstream.Endpoint{Job: "job", Name: "out", URL: u, Rows: c}
}

func opened[T any](t testing.TB, raw string) *Sink {
	t.Helper()
	s, err := openSink(endpointOf[T](t, raw))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// leakFree fails the test if goroutines of it are left behind. It is called first.
func leakFree(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
}

func on(c *fakecql.Cluster, path string) string {
	return "cassandra://" + strings.Join(c.Hosts(), ",") + "/" + path
}

var began = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()

func writeOf(batch int64) dstream.WriteID {
	return dstream.WriteID{Job: "job", Sink: "out", Epoch: 1, Batch: batch, Partitions: 1, Timestamp: began + 1000*batch}
}

// chunks makes outputs of rows, a few at a time.
func chunks[T any](rows []T, of int) iter.Seq2[dstream.Output, error] {
	c, _ := codec.Of[T]()
	return func(yield func(dstream.Output, error) bool) {
		for part := range slices.Chunk(rows, of) {
			rec, err := codec.Encode(c, part)
			out := dstream.Output{Record: rec}
			for _, r := range part {
				if d, ok := any(r).(interface{ Deleted() bool }); ok {
					out.Deleted = append(out.Deleted, d.Deleted())
				}
			}
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

func put[T any](t testing.TB, s *Sink, batch int64, rows ...T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got, err := s.Write(ctx, writeOf(batch), chunks(rows, 3))
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != int64(len(rows)) {
		t.Fatalf("the receipt counts %d rows of %d", got.Rows, len(rows))
	}
}

// seen is the rows of the fake table as views.
func seen(c *fakecql.Cluster) (out []string) {
	for _, r := range c.Rows("ks.t") {
		v := view{K: string(r["k"]), C: int32(binary.BigEndian.Uint32(r["c"]))}
		if r["v"] != nil {
			v.V = ptr(string(r["v"]))
		}
		if r["n"] != nil {
			v.N = ptr(int64(binary.BigEndian.Uint64(r["n"])))
		}
		out = append(out, v.String())
	}
	slices.Sort(out)
	return out
}

func wants(t testing.TB, c *fakecql.Cluster, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := seen(c); !slices.Equal(got, want) {
		t.Fatalf("the table has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWritesAndDeletes(t *testing.T) {
	leakFree(t)
	c := fakecql.Start(t, fakecql.Options{Nodes: 3})
	c.Exec(t, viewTable)
	s := opened[view](t, on(c, "ks.t"))
	put(t, s, 1, view{K: "a", C: 1, V: ptr("x")}, view{K: "a", C: 2, N: ptr(int64(7))}, view{K: "b", C: 1}, view{K: "b", C: -1, V: ptr("")})
	wants(t, c, "a/1 x -", "a/2 - 7", "b/1 - -", "b/-1  -")
	put(t, s, 2, view{K: "a", C: 1, Gone: true}, view{K: "b", C: 1, V: ptr("y")})
	wants(t, c, "a/2 - 7", "b/1 y -", "b/-1  -")
}
