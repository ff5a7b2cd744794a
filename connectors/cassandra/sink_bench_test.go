package cassandra

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
)

// metric is a row of a benchmark.
type metric struct {
	Series string  `col:"series,partition"`
	At     int64   `col:"at,key"`
	Value  float64 `col:"value"`
	Label  string  `col:"label"`
}

const (
	benchRows = 100_000
	perSeries = 50
)

func metrics() []metric {
	rows := make([]metric, benchRows)
	for i := range rows { // the rows of a series are spread over the batch
		rows[i] = metric{fmt.Sprintf("series-%012d", i%(benchRows/perSeries)), int64(i), float64(i) / 3, fmt.Sprintf("label-%06d", i%97)}
	}
	return rows
}

// cpu is the processor time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// way is an alternative: it writes the rows and returns their number.
type way struct {
	name string
	run  func() int
	rows int
	wall time.Duration
	cpu  time.Duration
}

// BenchmarkSink writes the same rows in turn with the sink, with a loop over gocql that is written by hand and sends the same batches, and
// row by row. Each alternative's rows a second of wall clock and of this process's processor time are reported.
func BenchmarkSink(b *testing.B) {
	c := servicetest.Cassandra(b, servicetest.CassandraOptions{})
	config := c.Config()
	config.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	config.WriteCoalesceWaitTime = 0
	config.Consistency = gocql.LocalQuorum
	g, err := config.CreateSession()
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	table := c.Keyspace(b) + ".metrics"
	if err := g.Query("CREATE TABLE " + table + " (series text, at bigint, value double, label text, PRIMARY KEY (series, at))").Exec(); err != nil {
		b.Fatal(err)
	}
	s, rows := opened[metric](b, sinkAt(c, "", table, "")), metrics()
	ways := []*way{
		{name: "sink", run: bySink(b, s, rows)},
		{name: "hand", run: func() int { return byHand(b, g, table, rows) }},
		{name: "single", run: func() int { return oneByOne(b, g, table, rows[:benchRows/5]) }},
	}
	for range 3 { // the server has to get warm
		for _, w := range ways {
			w.run()
		}
	}
	for b.Loop() {
		for _, w := range ways {
			began, used := time.Now(), cpu()
			w.rows += w.run()
			w.wall += time.Since(began)
			w.cpu += cpu() - used
		}
	}
	for _, w := range ways {
		b.ReportMetric(float64(w.rows)/w.wall.Seconds(), w.name+"-rows/s")
		b.ReportMetric(float64(w.rows)/w.cpu.Seconds(), w.name+"-rows/cpu-s")
	}
}

// bySink writes the rows as batches of the engine, from columns.
func bySink(b *testing.B, s *Sink, rows []metric) func() int {
	var outs []dstream.Output
	for o, err := range chunks(rows, 4096) {
		if err != nil {
			b.Fatal(err)
		}
		outs = append(outs, o)
	}
	batch := int64(0)
	return func() int {
		batch++
		got, err := s.Write(b.Context(), writeOf(batch), func(yield func(dstream.Output, error) bool) {
			for _, o := range outs {
				if !yield(o, nil) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		return int(got.Rows)
	}
}

// byHand groups rows by series and sends each as batches, 64 at a time.
func byHand(b *testing.B, g *gocql.Session, table string, rows []metric) int {
	series := map[string][]metric{}
	for _, r := range rows {
		series[r.Series] = append(series[r.Series], r)
	}
	text := "INSERT INTO " + table + " (series, at, value, label) VALUES (?, ?, ?, ?)"
	return inParallel(b, series, func(rows []metric) error {
		batch := g.NewBatch(gocql.UnloggedBatch).WithTimestamp(began)
		for _, r := range rows {
			batch.Query(text, r.Series, r.At, r.Value, r.Label)
		}
		return g.ExecuteBatch(batch)
	})
}

// oneByOne sends rows as they are, 64 at a time.
func oneByOne(b *testing.B, g *gocql.Session, table string, rows []metric) int {
	single := map[string][]metric{}
	for i := range rows {
		single[fmt.Sprint(i)] = rows[i : i+1]
	}
	text := "INSERT INTO " + table + " (series, at, value, label) VALUES (?, ?, ?, ?)"
	return inParallel(b, single, func(rows []metric) error {
		r := rows[0]
		return g.Query(text, r.Series, r.At, r.Value, r.Label).Exec()
	})
}

func inParallel(b *testing.B, work map[string][]metric, send func([]metric) error) (n int) {
	todo := make(chan []metric)
	var w sync.WaitGroup
	for range 64 {
		w.Go(func() {
			for rows := range todo {
				if err := send(rows); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, rows := range work {
		n += len(rows)
		todo <- rows
	}
	close(todo)
	w.Wait()
	return n
}
