package dstream_test

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
	"github.com/tidemill/tidemill/rdd"
)

func ExampleStream_Map() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return words.Map(strings.ToUpper)
	}, []string{"a", "b"}, []string{"c"})
	// Output:
	// batch 1: A, B
	// batch 2: C
}

func ExampleStream_TryMap() {
	show(func(words dstream.Stream[string]) dstream.Stream[int] {
		return words.TryMap(strconv.Atoi) // "x" would fail the batch
	}, []string{"1", "2"})
	// Output: batch 1: 1, 2
}

func ExampleStream_MapContext() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return words.MapContext(func(c dstream.Context, w string) string { return w + c.Batch.Format("@15:04:05") })
	}, []string{"a"}, []string{"b"})
	// Output:
	// batch 1: a@00:00:01
	// batch 2: b@00:00:02
}

func ExampleStream_Filter() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		return numbers.Filter(func(n int) bool { return n%2 == 1 })
	}, []int{1, 2, 3}, []int{4})
	// Output:
	// batch 1: 1, 3
	// batch 2:
}

func ExampleStream_FilterMap() {
	show(func(words dstream.Stream[string]) dstream.Stream[int] {
		return words.FilterMap(func(w string) (int, bool) {
			n, err := strconv.Atoi(w)
			return n, err == nil
		})
	}, []string{"1", "x", "3"})
	// Output: batch 1: 1, 3
}

func ExampleStream_FlatMap() {
	show(func(lines dstream.Stream[string]) dstream.Stream[string] {
		return lines.FlatMap(strings.FieldsSeq)
	}, []string{"to be or", "not"})
	// Output: batch 1: be, not, or, to
}

func ExampleStream_MapPartitions() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return numbers.Repartition(1).MapPartitions(func(rows iter.Seq[int]) iter.Seq[string] {
			return func(yield func(string) bool) {
				yield(fmt.Sprint(slices.Sorted(rows)))
			}
		})
	}, []int{3, 1, 2})
	// Output:
	// batch 1: [1 2 3]
	// at the end: [], []
}

func ExampleStream_Union() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		return numbers.Union(numbers.Map(func(n int) int { return -n }))
	}, []int{1, 2})
	// Output: batch 1: -1, -2, 1, 2
}

func ExampleStream_Repartition() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[[]int] {
		return dstream.Glom(numbers.Repartition(2))
	}, []int{1, 1, 1, 1})
	// Output:
	// batch 1: [1 1], [1 1]
	// at the end: [], [], [], []
}

func ExampleStream_Reduce() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		return numbers.Reduce(dstream.Sum)
	}, []int{1, 2, 3}, nil)
	// Output:
	// batch 1: 6
	// batch 2:
}

func ExampleStream_Count() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int64] {
		return numbers.Count()
	}, []int{1, 2, 3}, nil)
	// Output:
	// batch 1: 3
	// batch 2: 0
	// at the end: 0, 0
}

func ExampleStream_KeyBy() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return words.KeyBy(func(w string) int { return len(w) }).
			Reduce(func(a, b string) string { return max(a, b) }).
			Map(func(n int, w string) string { return fmt.Sprint(n, ":", w) })
	}, []string{"a", "bb", "c"})
	// Output: batch 1: 1:c, 2:bb
}

func ExampleStream_KeyValue() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return words.KeyValue(func(w string) (string, int) { return w[:1], len(w) }).
			Reduce(dstream.Sum).
			Map(func(first string, n int) string { return fmt.Sprint(first, n) })
	}, []string{"ab", "a", "bcd"})
	// Output: batch 1: a3, b3
}

func ExampleStream_Transform() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		return numbers.Transform(func(c dstream.Context, r rdd.RDD[int]) rdd.RDD[int] {
			if c.Batch.Second() == 2 {
				return r.Map(func(n int) int { return 10 * n })
			}
			return r
		})
	}, []int{1}, []int{2}, []int{3})
	// Output:
	// batch 1: 1
	// batch 2: 20
	// batch 3: 3
}

func ExampleStream_TransformWith() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		odd := numbers.Filter(func(n int) bool { return n%2 == 1 })
		return numbers.TransformWith(odd, func(_ dstream.Context, all, odd rdd.RDD[int]) rdd.RDD[int] { return all.Union(odd) })
	}, []int{1, 2})
	// Output: batch 1: 1, 1, 2
}

func ExampleStream_ForEach() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		numbers.ForEach("total", func(c dstream.Context, r rdd.RDD[int]) error {
			sum, _, err := r.Reduce(c, dstream.Sum)
			if err != nil {
				return err
			}
			return c.Driver(func() error {
				fmt.Println("the driver says", sum)
				return nil
			})
		})
		return numbers.Filter(func(int) bool { return false })
	}, []int{1, 2, 3})
	// Output:
	// the driver says 6
	// batch 1:
	// the driver says 0
	// the driver says 0
}

func ExampleStream_Lookup() {
	showJob(func(job *dstream.Job, ads dstream.Stream[string]) dstream.Stream[string] {
		return ads.Lookup(job.Table[string, campaign]("campaigns"), dstream.Itself, func(_ string, c campaign) string { return c.ID })
	}, func(run *dstreamtest.Run) { run.Table("campaigns", campaign{"ad-1", "c-1"}) },
		[]string{"ad-1", "ad-2"})
	// Output: batch 1: c-1
}

func ExampleStream_LeftLookup() {
	showJob(func(job *dstream.Job, ads dstream.Stream[string]) dstream.Stream[string] {
		return ads.LeftLookup(job.Table[string, campaign]("campaigns"), dstream.Itself, func(ad string, c *campaign) string {
			if c == nil {
				return ad + "?"
			}
			return c.ID
		})
	}, func(run *dstreamtest.Run) { run.Table("campaigns", campaign{"ad-1", "c-1"}) },
		[]string{"ad-1", "ad-2"})
	// Output: batch 1: ad-2?, c-1
}

func ExampleDistinct() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return dstream.Distinct(words)
	}, []string{"a", "b", "a"}, []string{"a"})
	// Output:
	// batch 1: a, b
	// batch 2: a
}

func ExampleCountByValue() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return dstream.CountByValue(words).Map(func(w string, n int64) string { return fmt.Sprint(w, n) })
	}, []string{"a", "b", "a"})
	// Output: batch 1: a2, b1
}

func ExampleGlom() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[[]int] {
		return dstream.Glom(numbers.Repartition(1))
	}, []int{1, 2})
	// Output:
	// batch 1: [1 2]
	// at the end: [], []
}
