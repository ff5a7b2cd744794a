package dstream

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// BenchmarkCombinePanes folds chunks of 4,096 rows with 100 keys into panes of 10 s and compares with the plain loop over a map: event
// times in order, and with disorder at the border of two panes.
func BenchmarkCombinePanes(b *testing.B) {
	for _, disorder := range []int64{0, 20_000_000} {
		r := rand.New(rand.NewPCG(1, 1))
		rows := &rdd.Rows[int64, int64]{}
		for i := range int64(4096) {
			rows.Keys = append(rows.Keys, i%100)
			rows.Vals = append(rows.Vals, i)
			rows.Times = append(rows.Times, 5_000_000+i*100+r.Int64N(disorder+1))
		}
		at := panes{length: 10_000_000, slide: 10_000_000, size: 10_000_000}
		b.Run(fmt.Sprintf("engine/disorder=%ds", disorder/1e6), func(b *testing.B) {
			c := newPaneCombiner[int64](&at, true, rdd.Counting[int64](), nil)
			for b.Loop() {
				c.add(rows)
			}
			b.ReportMetric(float64(b.N)*4096/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
		b.Run(fmt.Sprintf("bare/disorder=%ds", disorder/1e6), func(b *testing.B) {
			type at struct{ pane, key int64 }
			counts := map[at]int64{}
			for b.Loop() {
				for i, t := range rows.Times {
					counts[at{t - t%10_000_000, rows.Keys[i]}]++
				}
			}
			b.ReportMetric(float64(b.N)*4096/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// BenchmarkWindows gives out the windows of a state with 10,000 keys: tumbling, of one pane, and sliding, of ten.
func BenchmarkWindows(b *testing.B) {
	add := func(into *int64, from int64) { *into += from }
	ks, ps := make([]int64, 10_000), make([]rdd.Partial[int64], 10_000)
	for i := range ks {
		ks[i], ps[i] = int64(i), rdd.Partial[int64]{Acc: 1, Rows: 1}
	}
	for _, n := range []int64{1, 10} {
		b.Run(fmt.Sprintf("panes=%d", n), func(b *testing.B) {
			s := newPaneState[int64, int64]().(*paneState[int64, int64])
			o := newPaneOverlay[int64, int64]()
			for p := range n {
				s.fold(o, add, 10*p, ks, ps)
			}
			s.Commit(o)
			at := panes{length: 10 * n, slide: 10, size: 10}
			m := &paneMerger[int64, int64]{at: &at, fold: add, state: s, over: newPaneOverlay[int64, int64](), prev: at.length - 1, mark: at.length}
			b.ReportAllocs()
			for b.Loop() {
				keys := 0
				m.window(at.length, func(int64, int64) { keys++ })
				if keys != len(ks) {
					b.Fatal(keys)
				}
			}
			b.ReportMetric(float64(b.N)*float64(n)*1e4/b.Elapsed().Seconds()/1e6, "Mkeys/s")
		})
	}
}

// BenchmarkApply restores a state of 500,000 keys from a snapshot, as read from a segment.
func BenchmarkApply(b *testing.B) {
	const n = 500_000
	s := newPaneState[int64, int64]().(*paneState[int64, int64])
	ks, ps := make([]int64, n), make([]rdd.Partial[int64], n)
	for i := range ks {
		ks[i], ps[i] = int64(i)*1_000_000_007%n, rdd.Partial[int64]{Acc: 1, Rows: 1}
	}
	if err := s.set(0, ks, ps); err != nil {
		b.Fatal(err)
	}
	var frames []byte
	for rec, err := range s.Snapshot(nil) {
		if err == nil {
			frames, err = codec.AppendFrame(frames, rec)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(frames)))
	for b.Loop() {
		again := newPaneState[int64, int64]().(*paneState[int64, int64])
		for r := bytes.NewReader(frames); r.Len() > 0; {
			rec, err := codec.ReadFrame(r, codec.Limits{})
			if err == nil {
				err = again.Apply(rec)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		if again.Keys(nil) != n {
			b.Fatal(again.Keys(nil))
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds()/1e6, "Mkeys/s")
}
