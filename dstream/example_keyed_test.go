package dstream_test

import (
	"cmp"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// byLetter keys words by their first letter.
func byLetter(words dstream.Stream[string]) dstream.Keyed[string, string] {
	return words.KeyBy(func(w string) string { return w[:1] })
}

func pair[V any](letter string, v V) string { return fmt.Sprint(letter, ":", v) }

func ExampleKeyed_Count() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Count().Map(pair)
	}, []string{"ant", "bee", "ape"}, []string{"ant"})
	// Output:
	// batch 1: a:2, b:1
	// batch 2: a:1
}

func ExampleKeyed_Reduce() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Reduce(func(a, b string) string { return min(a, b) }).Map(pair)
	}, []string{"ape", "bee", "ant"})
	// Output: batch 1: a:ant, b:bee
}

func ExampleKeyed_Aggregate() {
	add := func(letters *int, w string) { *letters += len(w) }
	merge := func(letters *int, others int) { *letters += others }
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Aggregate(add, merge).Map(pair)
	}, []string{"a", "bee", "ant"})
	// Output: batch 1: a:4, b:3
}

func ExampleKeyed_GroupMap() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).GroupMap(func(_ string, all []string) int { return len(all) }).Map(pair)
	}, []string{"ant", "bee", "ape"})
	// Output: batch 1: a:2, b:1
}

func ExampleKeyed_Distinct() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Distinct().Values()
	}, []string{"ant", "bee", "ant"})
	// Output: batch 1: ant, bee
}

func ExampleKeyed_Filter() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Filter(func(letter, w string) bool { return letter > "a" }).Values()
	}, []string{"ant", "bee"})
	// Output: batch 1: bee
}

func ExampleKeyed_MapValues() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).MapValues(strings.ToUpper).Map(pair)
	}, []string{"ant", "bee"})
	// Output: batch 1: a:ANT, b:BEE
}

func ExampleKeyed_FlatMapValues() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).FlatMapValues(func(w string) iter.Seq[string] { return strings.SplitSeq(w, "") }).Map(pair)
	}, []string{"ab"})
	// Output: batch 1: a:a, a:b
}

func ExampleKeyed_Rekey() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Rekey(func(_, w string) (int, string) { return len(w), w }).
			Count().
			Map(func(length int, n int64) string { return fmt.Sprint(length, ":", n) })
	}, []string{"ant", "bee", "a"})
	// Output: batch 1: 1:1, 3:2
}

func ExampleKeyed_Map() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Map(func(letter, w string) string { return letter + " as in " + w })
	}, []string{"ant"})
	// Output: batch 1: a as in ant
}

func ExampleKeyed_Values() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Values()
	}, []string{"ant", "bee"})
	// Output: batch 1: ant, bee
}

func ExampleKeyed_Union() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		return byLetter(words).Union(byLetter(words.Map(strings.ToUpper))).Values()
	}, []string{"ant"})
	// Output: batch 1: ANT, ant
}

func ExampleKeyed_Join() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		long := byLetter(words.Filter(func(w string) bool { return len(w) > 3 }))
		short := byLetter(words.Filter(func(w string) bool { return len(w) <= 3 }))
		return short.Join(long, func(_, a, b string) string { return a + "+" + b }).Values()
	}, []string{"ant", "ape", "aphid", "bee"})
	// Output: batch 1: ant+aphid, ape+aphid
}

func ExampleKeyed_LeftJoin() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		long := byLetter(words.Filter(func(w string) bool { return len(w) > 3 }))
		return byLetter(words).LeftJoin(long, func(_, w string, l *string) string {
			if l == nil {
				return w
			}
			return w + "+" + *l
		}).Values()
	}, []string{"ant", "bee", "beetle"})
	// Output: batch 1: ant, bee+beetle, beetle+beetle
}

func ExampleKeyed_CoGroup() {
	show(func(words dstream.Stream[string]) dstream.Stream[string] {
		long := byLetter(words.Filter(func(w string) bool { return len(w) > 3 }))
		return byLetter(words).CoGroup(long, func(_ string, all, long []string) string {
			return fmt.Sprint(len(long), " of ", len(all))
		}).Map(pair)
	}, []string{"ant", "bee", "beetle"})
	// Output: batch 1: a:0 of 1, b:1 of 2
}

// seconds gives numbers the event time that they are.
func seconds(numbers dstream.Stream[int]) dstream.Stream[int] {
	return numbers.EventTime(func(n int) time.Time { return time.Unix(int64(n), 0) }, dstream.Watermark{})
}

func result[K, V any](k K, w dstream.Window, v V) string {
	return fmt.Sprintf("%v in [%d, %d): %v", k, w.Start.Unix(), w.End.Unix(), v)
}

func parity(n int) string { return [...]string{"even", "odd"}[n%2] }

func ExampleStream_EventTime() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return numbers.EventTime(func(n int) time.Time { return time.Unix(int64(n), 0) }, dstream.Watermark{Delay: 5 * time.Second}).
			KeyBy(parity).
			Window(dstream.Tumbling(10 * time.Second)).
			Count().
			Map(result)
	}, []int{1, 2, 12, 3}, []int{15}, nil)
	// Output:
	// batch 1:
	// batch 2:
	// batch 3: even in [0, 10): 1, odd in [0, 10): 2
	// at the end: even in [10, 20): 1, odd in [10, 20): 1
}

func ExampleStream_Window() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		return numbers.Window(dstream.Sliding(2*time.Second, time.Second)).
			Reduce(dstream.Sum).
			Map(func(_ struct{}, _ dstream.Window, sum int) int { return sum })
	}, []int{1, 2}, []int{10}, []int{100})
	// Output:
	// batch 1: 3
	// batch 2: 13
	// batch 3: 110
	// at the end: 100
}

func ExampleWindowed_Count() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Count().Map(result)
	}, []int{1, 2, 3})
	// Output:
	// batch 1:
	// at the end: even in [0, 10): 1, odd in [0, 10): 2
}

func ExampleWindowed_Reduce() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Reduce(dstream.Sum).Map(result)
	}, []int{1, 2, 3})
	// Output:
	// batch 1:
	// at the end: even in [0, 10): 2, odd in [0, 10): 4
}

func ExampleWindowed_Aggregate() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).
			Aggregate(dstream.Top(2, cmp.Compare[int])).
			Map(result)
	}, []int{1, 2, 3, 5})
	// Output:
	// batch 1:
	// at the end: even in [0, 10): [2], odd in [0, 10): [5 3]
}

func ExampleWindowed_GroupMap() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).
			GroupMap(func(_ string, _ dstream.Window, all []int) int { return len(all) }).
			Map(result)
	}, []int{1, 2, 3})
	// Output:
	// batch 1:
	// at the end: even in [0, 10): 1, odd in [0, 10): 2
}

func ExampleWindowed_Lateness() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Lateness(5 * time.Second).Count().Map(result)
	}, []int{1, 12}, nil, []int{3}, []int{16}, []int{5})
	// Output:
	// batch 1:
	// batch 2: odd in [0, 10): 1
	// batch 3: odd in [0, 10): 2
	// batch 4:
	// batch 5:
	// at the end: even in [10, 20): 2
}

func ExampleWindowed_Emit() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Emit(dstream.OnChange).Count().Map(result)
	}, []int{1, 2}, []int{3})
	// Output:
	// batch 1: even in [0, 10): 1, odd in [0, 10): 1
	// batch 2: odd in [0, 10): 2
}

func ExampleWindowed_Late() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[int] {
		windows := seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second))
		windows.Count().Print(10)
		return windows.Late().Values()
	}, []int{25}, []int{3, 21})
	// Output:
	// batch 1:
	// batch 2: 3
}

func ExamplePanes_Filter() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Count().
			Filter(func(_ string, _ dstream.Window, n int64) bool { return n > 1 }).
			Map(result)
	}, []int{1, 2, 3})
	// Output:
	// batch 1:
	// at the end: odd in [0, 10): 2
}

func ExamplePanes_MapValues() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Count().
			MapValues(func(n int64) string { return strings.Repeat("*", int(n)) }).
			Map(result)
	}, []int{1, 2, 3})
	// Output:
	// batch 1:
	// at the end: even in [0, 10): *, odd in [0, 10): **
}

func ExamplePanes_FlatMap() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Count().
			FlatMap(func(k string, _ dstream.Window, n int64) iter.Seq[string] {
				return strings.FieldsSeq(strings.Repeat(k+" ", int(n)))
			})
	}, []int{1, 2, 3})
	// Output:
	// batch 1:
	// at the end: even, odd, odd
}

func ExamplePanes_Rekey() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		return seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Count().
			Rekey(func(_ string, n int64) (string, int64) { return "most of a parity", n }).
			Reduce(func(a, b int64) int64 { return max(a, b) }).
			Map(result)
	}, []int{1, 2, 3, 12}, nil)
	// Output:
	// batch 1:
	// batch 2: most of a parity in [0, 10): 2
	// at the end: most of a parity in [10, 20): 1
}

func ExamplePanes_Keyed() {
	show(func(numbers dstream.Stream[int]) dstream.Stream[string] {
		tens := seconds(numbers).KeyBy(parity).Window(dstream.Tumbling(10 * time.Second)).Count()
		return tens.Keyed().Window(dstream.Tumbling(20 * time.Second)).Reduce(dstream.Sum).Map(result)
	}, []int{1, 2, 13})
	// Output:
	// batch 1:
	// at the end: even in [0, 20): 1, odd in [0, 20): 2
}

func ExampleTop() {
	add, _ := dstream.Top(2, cmp.Compare[int])
	var top []int
	for _, n := range []int{3, 9, 1, 7} {
		add(&top, n)
	}
	fmt.Println(top)
	// Output: [9 7]
}
