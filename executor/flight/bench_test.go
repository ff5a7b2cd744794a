package flight

import (
	"fmt"
	"iter"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// wide is a row of 57 bytes as Arrow columns.
type wide struct {
	ID   int64
	At   int64
	Cost float64
	User string
	Page string
}

// BenchmarkBlocks is both ends in one process: rows in, rows out.
func BenchmarkBlocks(b *testing.B) {
	s, err := rdd.ShapeOf[rdd.None, wide]()
	if err != nil {
		b.Fatal(err)
	}
	c := &rdd.Rows[rdd.None, wide]{}
	for i := range 4096 {
		c.Vals = append(c.Vals, wide{int64(i), int64(i), float64(i), fmt.Sprintf("user-%08d", i), fmt.Sprintf("page-%07d", i)})
	}
	address, _ := serve(b, held{0: func(Ticket) (iter.Seq2[rdd.Chunk, error], error) {
		return func(yield func(rdd.Chunk, error) bool) {
			for range b.N {
				if !yield(c, nil) {
					return
				}
			}
		}, nil
	}}, Options{})
	from := cpu(b)
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for c, err := range opened(b, client(b, Options{}), address, 0).Next(s) {
		if err != nil {
			b.Fatal(err)
		}
		n += c.Len()
	}
	if n != 4096*b.N {
		b.Fatal(n, "rows")
	}
	b.SetBytes(4096 * 57)
	b.ReportMetric((cpu(b)-from).Seconds()*1e9/float64(4096*57*b.N), "cpu-s/GB")
	b.ReportMetric(float64(4096*b.N)/1e6/b.Elapsed().Seconds(), "Mrows/s")
}

// BenchmarkEmptyParts is what a part without rows costs.
func BenchmarkEmptyParts(b *testing.B) {
	address, _ := serve(b, held{0: of()}, Options{})
	r, s := opened(b, client(b, Options{}), address, make([]int32, min(b.N, maxParts))...), shape(b)
	b.ResetTimer()
	for range min(b.N, maxParts) {
		if _, err := values(r, s); err != nil {
			b.Fatal(err)
		}
	}
}

func cpu(t testing.TB) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
