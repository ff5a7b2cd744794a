// Job is what the scenarios of package cluster run: rows are numbers, row n is of key n mod keys, and the count of each key is kept as state.
// Each batch writes the counts that it changed. What a batch has to write follows from which rows it has, and from nothing else.
package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

// Row is a key and how many rows it has had.
type Row struct {
	Key   int64 `col:"key"`
	Count int64 `col:"count"`
}

// always is one window around all times of batches: it began in 1970.
const always = 1_000_000 * time.Hour

func main() { driver.Main(build) }

func build(job *dstream.Job) {
	keys := int64(job.Int("keys", 1000, "that rows have"))
	rows := &numbers{
		first:  int64(job.Int("first", 0, "rows that are due at once")),
		rate:   int64(job.Int("rate", 0, "rows a second that become due after them")),
		splits: int64(job.Int("splits", 4, "of a batch")),
	}
	out := job.String("out", "", "folder for what is written")
	job.Read("numbers", rows).
		KeyBy(func(n int64) int64 { return n % keys }).
		Window(dstream.Tumbling(always)).Emit(dstream.OnChange).Count().
		Map(func(key int64, _ dstream.Window, n int64) Row { return Row{key, n} }).
		Write("counts", sums(out))
}

// numbers is the source: rows become due by the clock.
type numbers struct {
	first, rate, splits int64
	began               time.Time // when the first batch was planned
}

// Plan takes what has become due.
func (s *numbers) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	at := int64(0)
	if len(from) > 0 {
		var err error
		if at, err = strconv.ParseInt(string(from), 10, 64); err != nil {
			return dstream.Range{}, fmt.Errorf("offset %q: %w", from, err)
		}
	}
	if s.began.IsZero() {
		s.began = time.Now()
	}
	to := max(at, s.first+int64(time.Since(s.began).Seconds()*float64(s.rate)))
	r := dstream.Range{To: dstream.Offsets(strconv.FormatInt(to, 10))}
	for i := range s.splits {
		p := dstream.Split{Name: strconv.FormatInt(i, 10), From: at + (to-at)*i/s.splits, To: at + (to-at)*(i+1)/s.splits}
		if p.From < p.To {
			r.Splits = append(r.Splits, p)
		}
	}
	return r, nil
}

// Read makes the rows of a split.
func (s *numbers) Read(_ context.Context, split dstream.Split) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) {
		rows := make([]int64, 0, 1024)
		for n := split.From; n < split.To; {
			rows = rows[:0]
			for ; n < split.To && len(rows) < cap(rows); n++ {
				rows = append(rows, n)
			}
			if !yield(rows, nil) {
				return
			}
		}
	}
}

// sums is the sink, a folder with one file for each process, which is its pid: for each write a line with sums over its rows. A line is
// appended whole, and survives the process.
type sums string

// Write appends the line of one partition of one batch; none if there are no rows.
func (folder sums) Write(_ context.Context, id dstream.WriteID, rows iter.Seq2[[]Row, error]) (dstream.Receipt, error) {
	var n, keys, counts, products int64
	for chunk, err := range rows {
		if err != nil {
			return dstream.Receipt{}, err
		}
		for _, r := range chunk {
			n, keys, counts, products = n+1, keys+r.Key, counts+r.Count, products+r.Key*r.Count
		}
	}
	if n == 0 {
		return dstream.Receipt{}, nil
	}
	f, err := os.OpenFile(filepath.Join(string(folder), strconv.Itoa(os.Getpid())), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return dstream.Receipt{}, fmt.Errorf("write sums: %w", err)
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%d %d %d %d %d %d\n", id.Batch, id.Partition, n, keys, counts, products)
	return dstream.Receipt{Rows: n}, err
}

// Guarantee is exactly once: lines of one write are alike, and who reads them counts one.
func (sums) Guarantee() dstream.Guarantee { return dstream.ExactlyOnce }
