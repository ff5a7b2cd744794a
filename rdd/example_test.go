package rdd_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/rdd"
)

// show prints the rows of a dataset. Those of one partition come in order; after an exchange it depends on keys' tokens which
// partition comes first, so keyed results are sorted.
func show[T any](r rdd.RDD[T]) {
	rows, err := r.Collect(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rows)
}

func showKeyed[K cmp.Ordered, V any](k rdd.Keyed[K, V]) {
	rows, err := k.Map(func(key K, v V) string { return fmt.Sprintf("%v:%v", key, v) }).Collect(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	slices.Sort(rows)
	fmt.Println(rows)
}

// Words are counted in twenty lines, without a cluster.
func Example() {
	lines := rdd.Of(2, "the tide mill", "the mill")
	counts := lines.FlatMap(strings.FieldsSeq).KeyBy(rdd.Itself).Count()
	showKeyed(counts)
	// Output: [mill:2 the:2 tide:1]
}

func ExampleRDD_Map() {
	show(rdd.Of(2, 1, 2, 3).Map(func(v int) string { return strings.Repeat("*", v) }))
	// Output: [* ** ***]
}

func ExampleRDD_TryMap() {
	numbers := rdd.Of(1, "1", "x").TryMap(strconv.Atoi)
	_, err := numbers.Collect(context.Background())
	fmt.Println(errors.Is(err, strconv.ErrSyntax))
	// Output: true
}

func ExampleRDD_Filter() {
	show(rdd.Of(2, 1, 2, 3, 4).Filter(func(v int) bool { return v > 2 }))
	// Output: [3 4]
}

func ExampleRDD_FilterMap() {
	show(rdd.Of(1, "1", "x", "3").FilterMap(func(s string) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil
	}))
	// Output: [1 3]
}

func ExampleRDD_FlatMap() {
	show(rdd.Of(1, "a b", "", "c").FlatMap(strings.FieldsSeq))
	// Output: [a b c]
}

func ExampleRDD_MapPartitions() {
	sums := rdd.Of(2, 1, 2, 3, 4).MapPartitions(func(rows iter.Seq[int]) iter.Seq[int] {
		return func(yield func(int) bool) {
			sum := 0
			for v := range rows {
				sum += v
			}
			yield(sum)
		}
	})
	show(sums)
	// Output: [3 7]
}

func ExampleGlom() {
	show(rdd.Glom(rdd.Of(2, 1, 2, 3)))
	// Output: [[1] [2 3]]
}

func ExampleRDD_Union() {
	a, b := rdd.Of(1, 1, 2), rdd.Of(1, 2, 3)
	show(a.Union(b))
	// Output: [1 2 2 3]
}

func ExampleRDD_Repartition() {
	show(rdd.Glom(rdd.Of(1, 0, 1, 2, 3, 4).Repartition(2)))
	// Output: [[0 2 4] [1 3]]
}

func ExampleRDD_Cache() {
	ctx := rdd.WithRunner(context.Background(), rdd.Local())
	slow := rdd.Of(1, 1, 2).Map(func(v int) int { fmt.Println("computed", v); return v }).Cache()
	for range 2 {
		n, err := slow.Count(ctx)
		fmt.Println(n, err)
	}
	// Output:
	// computed 1
	// computed 2
	// 2 <nil>
	// 2 <nil>
}

func ExampleRDD_KeyBy() {
	showKeyed(rdd.Of(2, "apple", "fig", "plum").KeyBy(func(s string) int { return len(s) }))
	// Output: [3:fig 4:plum 5:apple]
}

func ExampleRDD_KeyValue() {
	showKeyed(rdd.Of(2, "a=1", "b=2").KeyValue(func(s string) (string, string) {
		k, v, _ := strings.Cut(s, "=")
		return k, v
	}))
	// Output: [a:1 b:2]
}

func ExampleDistinct() {
	rows, err := rdd.Distinct(rdd.Of(2, 2, 1, 2)).Collect(context.Background())
	slices.Sort(rows)
	fmt.Println(rows, err)
	// Output: [1 2] <nil>
}

func ExampleCountByValue() {
	showKeyed(rdd.CountByValue(rdd.Of(2, "a", "b", "a")))
	// Output: [a:2 b:1]
}

// sales are amounts by city.
func sales() rdd.Keyed[string, int] {
	return rdd.Of(2, "Brest 2", "Bath 5", "Brest 3").KeyValue(func(s string) (string, int) {
		city, amount, _ := strings.Cut(s, " ")
		n, _ := strconv.Atoi(amount)
		return city, n
	})
}

// managers are names by city.
func managers() rdd.Keyed[string, string] {
	return rdd.Of(1, "Brest Ann", "Cork Bob").KeyValue(func(s string) (string, string) {
		city, name, _ := strings.Cut(s, " ")
		return city, name
	})
}

func ExampleKeyed_Map() {
	show(sales().Map(func(city string, n int) string { return city[:2] + strconv.Itoa(n) }))
	// Output: [Br2 Ba5 Br3]
}

func ExampleKeyed_Values() {
	show(sales().Values())
	// Output: [2 5 3]
}

func ExampleKeyed_MapValues() {
	showKeyed(sales().MapValues(func(n int) int { return 100 * n }))
	// Output: [Bath:500 Brest:200 Brest:300]
}

func ExampleKeyed_FlatMapValues() {
	showKeyed(managers().FlatMapValues(func(name string) iter.Seq[string] { return strings.SplitSeq(name, "") }))
	// Output: [Brest:A Brest:n Brest:n Cork:B Cork:b Cork:o]
}

func ExampleKeyed_Filter() {
	showKeyed(sales().Filter(func(city string, n int) bool { return city == "Brest" && n > 2 }))
	// Output: [Brest:3]
}

func ExampleKeyed_Rekey() {
	showKeyed(sales().Rekey(func(city string, n int) (int, string) { return n % 2, city }).Count())
	// Output: [0:1 1:2]
}

func ExampleKeyed_Union() {
	showKeyed(sales().Union(sales()).Count())
	// Output: [Bath:2 Brest:4]
}

func ExampleKeyed_Reduce() {
	showKeyed(sales().Reduce(func(a, b int) int { return a + b }))
	// Output: [Bath:5 Brest:5]
}

func ExampleKeyed_Count() {
	showKeyed(sales().Count())
	// Output: [Bath:1 Brest:2]
}

func ExampleKeyed_Aggregate() {
	type mean struct{ Sum, N int }
	add := func(m *mean, v int) { m.Sum, m.N = m.Sum+v, m.N+1 }
	merge := func(m *mean, o mean) { m.Sum, m.N = m.Sum+o.Sum, m.N+o.N }
	showKeyed(sales().Aggregate(add, merge).MapValues(func(m mean) float64 { return float64(m.Sum) / float64(m.N) }))
	// Output: [Bath:5 Brest:2.5]
}

func ExampleKeyed_GroupMap() {
	showKeyed(sales().GroupMap(func(_ string, ns []int) string { return fmt.Sprint(len(ns), " sales, most ", slices.Max(ns)) }))
	// Output: [Bath:1 sales, most 5 Brest:2 sales, most 3]
}

func ExampleKeyed_Distinct() {
	showKeyed(sales().Distinct())
	// Output: [Bath:5 Brest:2]
}

func ExampleKeyed_Join() {
	showKeyed(sales().Join(managers(), func(_ string, n int, name string) string { return name + strconv.Itoa(n) }))
	// Output: [Brest:Ann2 Brest:Ann3]
}

func ExampleKeyed_LeftJoin() {
	showKeyed(sales().LeftJoin(managers(), func(_ string, n int, name *string) string { return or(name) + strconv.Itoa(n) }))
	// Output: [Bath:nobody5 Brest:Ann2 Brest:Ann3]
}

func ExampleKeyed_RightJoin() {
	showKeyed(sales().RightJoin(managers(), func(_ string, n *int, name string) string { return fmt.Sprint(name, n != nil) }))
	// Output: [Brest:Anntrue Brest:Anntrue Cork:Bobfalse]
}

func ExampleKeyed_FullJoin() {
	showKeyed(sales().FullJoin(managers(), func(_ string, n *int, name *string) string { return fmt.Sprint(or(name), n != nil) }))
	// Output: [Bath:nobodytrue Brest:Anntrue Brest:Anntrue Cork:Bobfalse]
}

func or(name *string) string {
	if name == nil {
		return "nobody"
	}
	return *name
}

func ExampleKeyed_CoGroup() {
	showKeyed(sales().CoGroup(managers(), func(_ string, ns []int, names []string) string { return fmt.Sprint(ns, names) }))
	// Output: [Bath:[5] [] Brest:[2 3] [Ann] Cork:[] [Bob]]
}

func ExampleKeyed_PartitionBy() {
	k := rdd.Of(3, 1, 2, 3, 1, 2, 3).KeyBy(rdd.Itself).PartitionBy(rdd.NewPartitioner(0, 2))
	together := k.Values().MapPartitions(func(rows iter.Seq[int]) iter.Seq[bool] {
		return func(yield func(bool) bool) {
			count := map[int]int{}
			for v := range rows {
				count[v]++
			}
			for _, n := range count {
				if !yield(n == 2) {
					return
				}
			}
		}
	})
	show(together)
	// Output: [true true true]
}

func ExampleKeyed_Cache() {
	cached := sales().Cache()
	showKeyed(cached.Reduce(func(a, b int) int { return max(a, b) }))
	// Output: [Bath:5 Brest:3]
}

func ExampleRDD_Take() {
	rows, err := rdd.Of(2, 1, 2, 3, 4).Take(context.Background(), 2)
	fmt.Println(rows, err)
	// Output: [1 2] <nil>
}

func ExampleRDD_Count() {
	n, err := rdd.Of(2, "a", "b", "c").Count(context.Background())
	fmt.Println(n, err)
	// Output: 3 <nil>
}

func ExampleRDD_Reduce() {
	sum, ok, err := rdd.Of(2, 1, 2, 3).Reduce(context.Background(), func(a, b int) int { return a + b })
	fmt.Println(sum, ok, err)
	// Output: 6 true <nil>
}

func ExampleRDD_Collect() {
	rows, err := rdd.Of(2, "a", "b").Collect(context.Background())
	fmt.Println(rows, err)
	// Output: [a b] <nil>
}

func ExampleRDD_ForEach() {
	err := rdd.Of(2, "a", "b").ForEach(context.Background(), func(s string) error {
		_, err := fmt.Println(s)
		return err
	})
	fmt.Println(err)
	// Output:
	// a
	// b
	// <nil>
}

// A mistake in a graph names the place in the user's file; nothing has run by then.
func ExampleCompile() {
	type bad struct{ F func() }
	floats := rdd.Of(1, 1, 2).KeyBy(func(v int) float64 { return float64(v) }).Count()
	funcs := rdd.Of(1, 1).Map(func(int) bad { return bad{} })
	_, err := rdd.Compile(floats.Node(), funcs.Node())
	for line := range strings.Lines(err.Error()) { // "job.go:12: Count: …"
		words := strings.Split(line, ": ")
		fmt.Println(strings.HasPrefix(words[0], "example_test.go:"), words[1])
	}
	// Output:
	// true Count
	// true Map
}

func ExampleProgram_String() {
	p, err := rdd.Compile(rdd.Of(2, "a b", "b").FlatMap(strings.FieldsSeq).KeyBy(rdd.Itself).Count().Node())
	fmt.Printf("%v%v\n", p, err)
	// Output:
	// stage 0: 2 tasks: Of → FlatMap → KeyBy → Combine ⇒ 2 buckets by key
	// stage 1: 2 tasks: [0 by key] → Count ⇒ output
	// <nil>
}
