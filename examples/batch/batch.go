// Batch uses rdd alone, without a stream: the most frequent words of the files that are named.
//
//	go run ./examples/batch README.md CONTRIBUTING.md
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/rdd"
)

type Word struct {
	Text  string
	Count int64
}

func main() {
	var texts []string
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		texts = append(texts, string(text))
	}
	top, err := frequent(context.Background(), 10, texts...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, w := range top {
		fmt.Printf("%6d %s\n", w.Count, w.Text)
	}
}

// frequent returns the n most frequent words of texts, the most frequent first.
func frequent(ctx context.Context, n int, texts ...string) ([]Word, error) {
	words, err := rdd.Of(4, texts...).
		FlatMap(strings.FieldsSeq).
		KeyBy(rdd.Itself).
		Count().
		Map(func(word string, n int64) Word { return Word{word, n} }).
		Collect(ctx)
	slices.SortFunc(words, func(a, b Word) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return words[:min(n, len(words))], err
}
