package rdd_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

func words(t *testing.T, parts int) rdd.Keyed[string, int64] {
	return rdd.Of(parts, "a b a", "c a", "b").FlatMap(strings.FieldsSeq).KeyBy(rdd.Itself).Count()
}

func TestWordCount(t *testing.T) {
	for parts := 1; parts < 5; parts++ {
		got, err := words(t, parts).Map(func(w string, n int64) string { return w + strings.Repeat("+", int(n)) }).Collect(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if want := []string{"a+++", "b++", "c+"}; !slices.Equal(got, want) {
			t.Errorf("%d partitions: %q, want %q", parts, got, want)
		}
	}
}
