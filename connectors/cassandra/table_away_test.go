package cassandra

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// A node that stops answering while a table is read is waited for, and said to be; every row comes once.
func TestTableOfANodeThatStops(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	rows, name := metrics()[:20_000], c.Keyspace(t)+".metrics"
	put(t, opened[metric](t, fmt.Sprintf("cassandra://%s:%d/%s?create=true", c.Hosts()[0], c.Port(), name)), 1, rows...)
	s, err := openTable(tableAt[metric](t, c, name, "page_bytes=4096&timeout=1s&consistency=one"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, w := watchWaits(t.Context())
	resumed, stopped := make(chan error, 1), false
	seen := map[metric]int{}
	b, err := rdd.NewBuilder[metric](100, func(chunk rdd.Chunk) bool {
		for _, m := range chunk.(*rdd.Rows[rdd.None, metric]).Vals {
			seen[metric{strings.Clone(m.Series), m.At, m.Value, strings.Clone(m.Label)}]++
		}
		if !stopped { // in the middle of the scan
			stopped = true
			if err := c.Pause(0); err != nil {
				t.Error(err)
			}
			go func() {
				<-w.told
				resumed <- c.Resume(0)
			}()
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.Read(ctx, dstream.Split{From: math.MinInt64, To: math.MaxInt64}, &dstream.Reader{Builder: b})
	if err != nil || n != int64(len(rows)) {
		t.Fatalf("%d rows, %v", n, err)
	}
	if err := <-resumed; err != nil {
		t.Error(err)
	}
	if err := b.Flush(); err != nil || len(seen) != len(rows) {
		t.Errorf("%d different rows, %v", len(seen), err)
	}
	for _, m := range rows {
		if seen[m] != 1 {
			t.Fatalf("%+v came %d times", m, seen[m])
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.said) == 0 || w.open != 0 || !strings.Contains(w.said[0], "cassandra table "+name) {
		t.Errorf("said %q, %d waits are open", w.said, w.open)
	}
}

// BenchmarkTable reads a table, and reports rows a second of this process's processor time.
func BenchmarkTable(b *testing.B) {
	c := servicetest.Cassandra(b, servicetest.CassandraOptions{})
	name := c.Keyspace(b) + ".metrics"
	put(b, opened[metric](b, fmt.Sprintf("cassandra://%s:%d/%s?create=true", c.Hosts()[0], c.Port(), name)), 1, metrics()...)
	s, err := openTable(tableAt[metric](b, c, name, ""))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r, err := s.Plan(b.Context(), nil, dstream.Limit{})
	if err != nil {
		b.Fatal(err)
	}
	builder, err := rdd.NewBuilder[metric](rdd.DefaultChunkRows, func(rdd.Chunk) bool { return true })
	if err != nil {
		b.Fatal(err)
	}
	to := &dstream.Reader{Builder: builder}
	rows, used, began := int64(0), cpu(), time.Now()
	for b.Loop() {
		for _, split := range r.Splits {
			n, err := s.Read(b.Context(), split, to)
			if err != nil {
				b.Fatal(err)
			}
			rows += n
		}
	}
	b.ReportMetric(float64(rows)/(cpu()-used).Seconds(), "rows/cpu-s")
	b.ReportMetric(float64(rows)/time.Since(began).Seconds(), "rows/s")
}
