package shuffle

import (
	"fmt"
	"iter"

	"github.com/tidemill/tidemill/executor/flight"
	"github.com/tidemill/tidemill/rdd"
)

// Row has 57 bytes as Arrow columns: 3·8, and 2 offsets of 4 with 25 bytes of text.
type Row struct {
	ID   int64
	At   int64
	Cost float64
	User string // 13 bytes
	Page string // 12 bytes
}

// rowBytes is what a row counts.
const rowBytes = 57

func row(i int64) Row {
	return Row{ID: i, At: 1e15 + i*100, Cost: float64(i) / 4, User: fmt.Sprintf("user-%08d", i%1e8), Page: fmt.Sprintf("page-%07d", i*7%1e7)}
}

// held is one block that is served again and again: a bucket of each partition is the same chunk, so that the processes fit into the memory
// of a small machine. It is encoded each time.
type held struct {
	chunk *rdd.Rows[rdd.None, Row]
	n     int // chunks of a part
}

func hold(rows, chunks int) *held {
	h := &held{chunk: &rdd.Rows[rdd.None, Row]{}, n: chunks}
	for i := range rows {
		h.chunk.Vals = append(h.chunk.Vals, row(int64(i)))
	}
	return h
}

// Block is the same for every part.
func (h *held) Block(flight.Ticket, flight.Part) (iter.Seq2[rdd.Chunk, error], error) {
	return func(yield func(rdd.Chunk, error) bool) {
		for range h.n {
			if !yield(h.chunk, nil) {
				return
			}
		}
	}, nil
}

// sum is what is compared between the two sides.
type sum struct{ rows, ids, text int64 }

func (s *sum) add(o sum) { s.rows, s.ids, s.text = s.rows+o.rows, s.ids+o.ids, s.text+o.text }

// take adds a chunk that came.
func (s *sum) take(c rdd.Chunk) error {
	rows := c.(*rdd.Rows[rdd.None, Row]).Vals
	for i := range rows {
		s.ids += rows[i].ID
		s.text += int64(len(rows[i].User) + len(rows[i].Page))
	}
	s.rows += int64(len(rows))
	for _, i := range []int{0, len(rows) - 1} {
		if rows[i] != row(int64(i)) {
			return fmt.Errorf("row %d is %+v, want %+v", i, rows[i], row(int64(i)))
		}
	}
	return nil
}

// expect is the sum of so many chunks of so many rows.
func expect(rows, chunks int) sum {
	n, c := int64(rows), int64(chunks)
	return sum{rows: n * c, ids: n * (n - 1) / 2 * c, text: (rowBytes - 3*8 - 2*4) * n * c}
}
