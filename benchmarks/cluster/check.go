package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemill/tidemill/driver/report"
)

// sums are over the counts that a batch writes.
type sums struct{ rows, keys, counts, products int64 }

func (s *sums) add(o sums) {
	s.rows, s.keys, s.counts, s.products = s.rows+o.rows, s.keys+o.keys, s.counts+o.counts, s.products+o.products
}

// want is what a batch with rows [from, to) has to write: each key that it has, with the number of its rows so far.
func want(from, to, keys int64) (s sums) {
	for n := max(from, to-keys); n < to; n++ { // the last row of each key
		key := n % keys
		s.add(sums{1, key, n/keys + 1, key * (n/keys + 1)})
	}
	return s
}

// write is one partition of a batch.
type write struct{ batch, partition int64 }

// check compares what was written with what follows from how many rows each batch had.
func (s *stand) check(reports []*report.Batch) error {
	got, err := written(s.out())
	if err != nil {
		return err
	}
	return compare(got, reports, int64(s.keys))
}

func compare(got map[int64]sums, reports []*report.Batch, keys int64) error {
	at := int64(0)
	for _, b := range reports {
		to := at + b.Rows()
		if w := want(at, to, keys); got[b.Batch] != w {
			return fmt.Errorf("batch %d, rows %d to %d, wrote %+v: want %+v", b.Batch, at, to, got[b.Batch], w)
		}
		at = to
	}
	return nil
}

// written adds up the partitions of each batch. Writes that came more than once count once, and have to be alike.
func written(folder string) (map[int64]sums, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	out, seen := map[int64]sums{}, map[write]sums{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if !strings.HasSuffix(line, "\n") {
				continue // its writer was killed in it, so nobody counts on it
			}
			var w write
			var of sums
			if _, err := fmt.Sscan(line, &w.batch, &w.partition, &of.rows, &of.keys, &of.counts, &of.products); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", f.Name(), line, err)
			}
			if was, again := seen[w]; again {
				if was != of {
					return nil, fmt.Errorf("batch %d wrote %+v and then %+v in partition %d", w.batch, was, of, w.partition)
				}
				continue
			}
			seen[w] = of
			sum := out[w.batch]
			sum.add(of)
			out[w.batch] = sum
		}
	}
	return out, nil
}
