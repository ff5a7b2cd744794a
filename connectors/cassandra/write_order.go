package cassandra

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tidemill/tidemill/rdd/ring"
)

// byToken returns the rows in the order of their tokens; those of one token in the order in which they came. It is a radix sort over the upper
// halves of the tokens: comparing rows would cost more than all else that we do with them. Few tokens differ in the lower half alone.
func byToken(tokens []ring.Token) []int32 {
	type entry struct {
		upper uint32
		row   int32
	}
	order, other := make([]entry, len(tokens)), make([]entry, len(tokens))
	var starts [4][256]int
	for i, t := range tokens {
		upper := uint32((uint64(t) ^ 1<<63) >> 32) // the sign's bit turned: negative ones first
		order[i] = entry{upper, int32(i)}
		for d := range starts {
			starts[d][byte(upper>>(8*d))]++
		}
	}
	for d := range starts {
		sum := 0
		for v, n := range starts[d] {
			starts[d][v], sum = sum, sum+n
		}
		for _, e := range order {
			at := &starts[d][byte(e.upper>>(8*d))]
			other[*at] = e
			*at++
		}
		order, other = other, order
	}
	rows := make([]int32, len(order))
	sorted := true
	for i, e := range order {
		rows[i] = e.row
		sorted = sorted && (i == 0 || tokens[rows[i-1]] <= tokens[e.row])
	}
	if !sorted {
		slices.SortStableFunc(rows, func(a, b int32) int { return cmp.Compare(tokens[a], tokens[b]) })
	}
	return rows
}

// compare orders two rows by the values of the cells from … to−1.
func (r *rowSet) compare(a, b int32, from, to int) int {
	x, y := r.row(a), r.row(b)
	for i := from; i < to; i++ {
		if c := bytes.Compare(r.value(x[i]), r.value(y[i])); c != 0 {
			return c
		}
	}
	return 0
}

// partitions calls each with what is to be written and deleted of one partition after the other, in the order of tokens, each primary key
// once in either. The slices are valid until the rows are reset.
func (r *rowSet) partitions(each func(puts, removes []int32) error) error {
	order := byToken(r.tokens)
	r.puts, r.removes = slices.Grow(r.puts[:0], len(order)), r.removes[:0]
	for len(order) > 0 {
		n := 1
		for n < len(order) && r.tokens[order[n]] == r.tokens[order[0]] {
			n++
		}
		run := order[:n]
		order = order[n:]
		one, distinct := r.sort(run)
		for len(run) > 0 { // of one token there may be more than one partition
			n := len(run)
			if !one {
				for n = 1; n < len(run) && r.compare(run[0], run[n], 0, r.partition) == 0; {
					n++
				}
			}
			puts, removes := len(r.puts), len(r.removes)
			r.fold(run[:n], distinct)
			if err := each(r.puts[puts:], r.removes[removes:]); err != nil {
				return err
			}
			run = run[n:]
		}
	}
	return nil
}

// sort orders rows of one token by their primary key. Mostly they are of one partition and come in order; it reports that, since each
// comparison fetches what is nowhere near.
func (r *rowSet) sort(run []int32) (one, distinct bool) {
	one, distinct = true, true
	from := r.partition
	for _, row := range run[1:] {
		if r.compare(run[0], row, 0, r.partition) != 0 {
			one, from = false, 0
			break
		}
	}
	for i := 1; i < len(run) && distinct; i++ {
		distinct = r.compare(run[i-1], run[i], from, r.key) < 0
	}
	if !distinct {
		slices.SortStableFunc(run, func(a, b int32) int { return r.compare(a, b, from, r.key) })
	}
	return one, distinct
}

// fold leaves at most one row to write and one to delete of each primary key of a partition: what the table would hold had they been written one
// after the other. distinct tells that no two have one key.
func (r *rowSet) fold(rows []int32, distinct bool) {
	r.foldStatics(rows)
	for len(rows) > 0 {
		n := 1
		for !distinct && n < len(rows) && r.compare(rows[0], rows[n], r.partition, r.key) == 0 {
			n++
		}
		last := rows[n-1]
		switch {
		case r.deleted[last]:
			r.removes = append(r.removes, last)
		default:
			if r.merge(rows[:n]) {
				r.removes = append(r.removes, last)
			}
			r.puts = append(r.puts, last)
		}
		rows = rows[n:]
	}
}

// merge fills what the last row of a key leaves out with what the rows before it had, back to where the key was deleted. It reports whether
// the key has to be deleted before it is written.
func (r *rowSet) merge(rows []int32) (remove bool) {
	last := r.row(rows[len(rows)-1])
	for k := len(rows) - 2; k >= 0; k-- {
		if r.deleted[rows[k]] {
			return !r.covers
		}
		if r.writeNulls {
			continue
		}
		for i, c := range r.row(rows[k])[:len(r.columns)] {
			if last[i].n == null {
				last[i] = c
			}
		}
	}
	return false
}

// foldStatics leaves the values of static columns to one row of a partition: two values with one timestamp would fight by their size.
func (r *rowSet) foldStatics(rows []int32) {
	if len(r.statics) == 0 {
		return
	}
	for _, i := range r.statics {
		latest, value := int32(-1), cell{n: absent} // rows are numbered as they came
		for _, row := range rows {
			c := r.row(row)[i]
			if row > latest && c.n != absent && (c.n != null || r.writeNulls) {
				latest, value = row, c
			}
			r.row(row)[i].n = absent
		}
		r.carry(rows, i, value)
	}
}

// carry puts the value of a static column into a row that is written. Without one it goes with the rows.
func (r *rowSet) carry(rows []int32, i int, value cell) {
	for k, row := range rows {
		lastOfKey := k == len(rows)-1 || r.compare(row, rows[k+1], r.partition, r.key) != 0
		if lastOfKey && !r.deleted[row] {
			r.row(row)[i] = value
			return
		}
	}
}
