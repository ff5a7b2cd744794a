package main

import (
	"context"
	"slices"
	"testing"
)

func TestFrequent(t *testing.T) {
	got, err := frequent(context.Background(), 2, "a b a", "b a c")
	if err != nil {
		t.Fatal(err)
	}
	if want := []Word{{"a", 3}, {"b", 2}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
