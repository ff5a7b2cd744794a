package cassandra

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/tidemill/tidemill/connectors/cassandra/internal/fakecql"
	"github.com/tidemill/tidemill/rdd/ring"
	"pgregory.net/rapid"
)

// The table is what it would be had the rows been written one after the other, however they are cut into batches.
func TestRowsCountInTheirOrder(t *testing.T) {
	for _, how := range []struct {
		nulls string
		keep  int // so that a batch is sent at once, or in pieces
	}{{"unset", keptBytes}, {"write", keptBytes}, {"unset", 1}, {"write", 1}} {
		nulls := how.nulls
		t.Run(fmt.Sprint(nulls, how.keep), func(t *testing.T) {
			c := fakecql.Start(t, fakecql.Options{})
			c.Exec(t, viewTable)
			s := opened[view](t, on(c, "ks.t?nulls="+nulls))
			s.keep = how.keep
			run := 0
			batch := int64(0)
			rapid.Check(t, func(rt *rapid.T) {
				run++
				model := map[string]*view{}
				for range rapid.IntRange(1, 4).Draw(rt, "batches") {
					rows := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) view {
						return view{
							K: fmt.Sprintf("%d-%d", run, rapid.IntRange(0, 1).Draw(rt, "k")), C: rapid.Int32Range(0, 2).Draw(rt, "c"),
							V: rapid.Ptr(rapid.SampledFrom([]string{"", "x", "y"}), true).Draw(rt, "v"),
							N: rapid.Ptr(rapid.Int64Range(-1, 1), true).Draw(rt, "n"), Gone: rapid.IntRange(0, 3).Draw(rt, "gone") == 0,
						}
					}), 0, 12).Draw(rt, "rows")
					for _, r := range rows {
						apply(model, r, nulls == "write")
					}
					batch++
					for range 2 { // and once more
						put(t, s, batch, rows...)
					}
				}
				var want []string
				for _, v := range model {
					want = append(want, v.String())
				}
				slices.Sort(want)
				got := slices.DeleteFunc(seen(c), func(v string) bool { return v[:len(fmt.Sprint(run))+1] != fmt.Sprint(run)+"-" })
				if !slices.Equal(got, want) {
					rt.Fatalf("got %q, want %q", got, want)
				}
			})
		})
	}
}

// apply is what a row does to a table.
func apply(model map[string]*view, r view, nulls bool) {
	key := fmt.Sprint(r.K, "/", r.C)
	if r.Gone {
		delete(model, key)
		return
	}
	old := model[key]
	if old != nil && !nulls {
		if r.V == nil {
			r.V = old.V
		}
		if r.N == nil {
			r.N = old.N
		}
	}
	model[key] = &r
}

// shared is a row with a column that its partition has once.
type shared struct {
	K string  `col:"k,partition"`
	C int32   `col:"c,key"`
	S *string `col:"v"`
}

// Of a static column the value of the last row counts, whatever its size.
func TestStaticColumns(t *testing.T) {
	c := fakecql.Start(t, fakecql.Options{})
	c.Exec(t, "CREATE TABLE ks.t (k text, c int, v text static, PRIMARY KEY ((k), c))")
	statics := map[string]bool{}
	s := opened[shared](t, on(c, "ks.t"))
	put(t, s, 1, shared{"a", 3, ptr("zzz")}, shared{"a", 1, nil}, shared{"a", 2, ptr("b")}, shared{"b", 1, nil})
	for _, r := range c.Rows("ks.t") {
		if r["v"] != nil {
			statics[string(r["v"])] = true
		}
	}
	if got := slices.Collect(maps.Keys(statics)); !slices.Equal(got, []string{"b"}) {
		t.Errorf("the server is sent the values %q", got)
	}
}

func TestByToken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tokens := rapid.SliceOf(rapid.SampledFrom([]ring.Token{-1 << 63, -1 << 40, -1, 0, 1, 255, 256, 1<<63 - 1})).Draw(t, "tokens")
		want := make([]int32, len(tokens))
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(tokens[a], tokens[b]) })
		if got := byToken(tokens); !slices.Equal(got, want) {
			t.Fatalf("%v of %v, want %v", got, tokens, want)
		}
	})
}
