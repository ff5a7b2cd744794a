package cassandra

import (
	"testing"

	"github.com/gocql/gocql"
)

// A form that is used again holds the values of the rows that it was filled with last, and filling it takes no memory.
func TestFormsAreUsedAgain(t *testing.T) {
	r := &rowSet{layout: &layout{width: 2, key: 1}, bytes: []byte("abcd")}
	r.cells = []cell{{0, 1}, {1, 2}, {3, 1}, {n: null}, {0, 0}, {n: absent}, {2, 2}, {0, 4}}
	for _, nulls := range []bool{false, true} {
		r.writeNulls = nulls
		b := &blanks{rows: r}
		b.inserts.grow(b, "INSERT", 2, 2)
		for _, rows := range [][]int32{{0, 1}, {1, 3}, {2}, {3, 2}, {0, 3}} {
			b.inserts.fill(r, rows, 2)
			for k, row := range rows {
				for i, c := range r.row(row) {
					arg := b.inserts.entries[k].Args[i]
					if c.n == absent || c.n == null && !nulls {
						if arg != any(gocql.UnsetValue) {
							t.Errorf("row %d, cell %d is %v", row, i, arg)
						}
						continue
					}
					got, err := arg.(gocql.Marshaler).MarshalCQL(nil)
					if err != nil || (got == nil) != (c.n == null) || c.n >= 0 && string(got) != string(r.value(c)) {
						t.Errorf("row %d, cell %d is %q: %v", row, i, got, err)
					}
				}
			}
		}
		if n := testing.AllocsPerRun(10, func() { b.inserts.fill(r, []int32{0, 1}, 2); b.inserts.fill(r, []int32{2, 3}, 2) }); n > 0 {
			t.Errorf("filling a form in takes %v allocations", n)
		}
	}
}

// Forms grow as far as a batch may, by so much that they seldom do.
func TestFormsGrow(t *testing.T) {
	b := newBlanks()
	for _, want := range [][2]int{{1, 1}, {90, 90}, {91, 135}, {136, batchRows}, {batchRows, batchRows}} {
		if len(b.deletes.entries) < want[0] {
			b.deletes.grow(b, "DELETE", 3, want[0])
		}
		if n := len(b.deletes.entries); n != want[1] || len(b.deletes.values) != 3*n {
			t.Errorf("for %d rows there are %d entries and %d values", want[0], n, len(b.deletes.values))
		}
	}
}
