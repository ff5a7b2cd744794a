package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

func words(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprintf("word-%05d", i))
	}
	return out
}

func write[T any](t testing.TB, s *Sink, id dstream.WriteID, rows ...T) {
	t.Helper()
	r, err := s.Write(context.Background(), id, rowsOf(rows...))
	if err != nil {
		t.Fatalf("batch %d: %v", id.Batch, err)
	}
	if r.Rows != int64(len(rows)) {
		t.Fatalf("batch %d: receipt %+v for %d rows", id.Batch, r, len(rows))
	}
}

func TestEachRowOnce(t *testing.T) {
	for _, codec := range []string{"none", "lz4", "zstd", "snappy", "gzip"} {
		t.Run(codec, func(t *testing.T) {
			c := fakeKafka(t)
			s := sinkFor[string](t, c.ListenAddrs(), "out?compression="+codec)
			write(t, s, batchOf(1, 1), words(0, 5000)...)
			write(t, s, batchOf(1, 2), words(5000, 5001)...)
			write(t, s, batchOf(1, 2), words(5000, 5001)...)
			write[string](t, s, batchOf(1, 3))
			write[string](t, sinkFor[string](t, c.ListenAddrs(), "out"), batchOf(2, 3))
			write(t, sinkFor[string](t, c.ListenAddrs(), "out"), batchOf(2, 2), words(5000, 5001)...)
			if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 5001)) {
				t.Errorf("%d rows, want 5001", len(got))
			}
		})
	}
}

func TestZombieIsFenced(t *testing.T) {
	c := fakeKafka(t)
	old, now := sinkFor[string](t, c.ListenAddrs(), "out"), sinkFor[string](t, c.ListenAddrs(), "out")
	write(t, old, batchOf(1, 1), "a")
	write[string](t, now, batchOf(2, 2)) // without rows: it takes over all the same
	var fenced *FencedError
	for range 2 {
		_, err := old.Write(context.Background(), batchOf(1, 2), rowsOf("zombie"))
		if !errors.As(err, &fenced) || !errors.Is(err, dstream.ErrPermanent) || fenced.Newer != 2 {
			t.Errorf("the zombie got %v", err)
		}
	}
	write(t, now, batchOf(2, 2), "b")
	if got := values(mustRead(t, c)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
}

// TestManyPartitions: what waits in batches of many partitions is bounded, and nothing of it is lost.
func TestManyPartitions(t *testing.T) {
	c := fakeKafka(t)
	if err := c.CreateTopic("wide", 200, nil); err != nil {
		t.Fatal(err)
	}
	s := sinkFor[string](t, c.ListenAddrs(), "wide?guarantee=at_least_once")
	long := strings.Repeat("x", 2000)
	const rows = 20_000 // 40 MB
	r, err := s.Write(t.Context(), batchOf(1, 1), func(yield func(dstream.Output, error) bool) {
		for range rows / 1000 {
			for out, err := range rowsOf(slices.Repeat([]string{long}, 1000)...) {
				if !yield(out, err) {
					return
				}
			}
		}
	})
	if err != nil || r.Rows != rows {
		t.Fatalf("%+v, %v", r, err)
	}
	records, err := readTopic(c.ListenAddrs(), "wide")
	if err != nil || len(records) != rows {
		t.Errorf("%d records, %v", len(records), err)
	}
}
