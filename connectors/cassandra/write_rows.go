package cassandra

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/ring"
)

// rowSet is rows with their values as bytes, until they are sent.
type rowSet struct {
	*layout
	bytes   []byte // all values, one behind the other
	cells   []cell // width of each row
	tokens  []ring.Token
	deleted []bool
	scratch []byte

	puts, removes []int32 // rows that are written and deleted, in the order in which they are sent
}

// cell is a value: a place in bytes. Rows of one flush are far below 4 GiB.
type cell struct {
	at uint32
	n  int32 // length, or one of the below
}

const (
	null   = -1 // left out or written, as the URL says
	absent = -2 // left out
)

func newRowSet(l *layout) *rowSet { return &rowSet{layout: l, bytes: make([]byte, 0, 4096)} }

func (r *rowSet) len() int { return len(r.tokens) }

func (r *rowSet) row(i int32) []cell { return r.cells[int(i)*r.width : (int(i)+1)*r.width] }

func (r *rowSet) value(c cell) []byte { return r.bytes[c.at : c.at+uint32(c.n) : c.at+uint32(c.n)] }

func (r *rowSet) reset() {
	r.bytes, r.cells, r.tokens, r.deleted = r.bytes[:0], r.cells[:0], r.tokens[:0], r.deleted[:0]
}

// memory is about what a row set takes.
func (r *rowSet) memory() int { return cap(r.bytes) + 8*cap(r.cells) + 17*cap(r.tokens) }

// add encodes a chunk. Of rows that are to be deleted only the key counts.
func (r *rowSet) add(out dstream.Output) error {
	columns := make([]arrow.Array, len(r.columns))
	for i, c := range r.columns {
		columns[i] = out.Record.Column(c.at)
	}
	n := int(out.Record.NumRows())
	r.cells, r.tokens, r.deleted = slices.Grow(r.cells, n*r.width), slices.Grow(r.tokens, n), slices.Grow(r.deleted, n)
	for row := range n {
		deleted := out.Deleted != nil && out.Deleted[row]
		if err := r.encode(columns, row, deleted); err != nil {
			return err
		}
		if err := r.addTTL(out.Record, row); err != nil {
			return err
		}
		token, err := r.token()
		if err != nil {
			return err
		}
		r.tokens, r.deleted = append(r.tokens, token), append(r.deleted, deleted)
	}
	return nil
}

func (r *rowSet) encode(columns []arrow.Array, row int, deleted bool) error {
	b, cells := r.bytes, r.cells // in registers, not in memory
	for i := range r.columns {
		if deleted && i >= r.key {
			cells = append(cells, cell{n: absent})
			continue
		}
		start := len(b)
		var isNull bool
		var err error
		b, isNull, err = r.columns[i].put(b, columns[i], row)
		switch {
		case err != nil:
			return fmt.Errorf("column %s: %w", r.columns[i].name, err)
		case isNull && i < r.key:
			return fmt.Errorf("column %s, which is part of the key, is null", r.columns[i].name)
		case isNull:
			cells = append(cells, cell{n: null})
		default:
			cells = append(cells, cell{uint32(start), int32(len(b) - start)})
		}
	}
	r.bytes, r.cells = b, cells
	return nil
}

func (r *rowSet) addTTL(rec arrow.Record, row int) error {
	if r.ttl < 0 {
		return nil
	}
	s, err := seconds(rec.Column(r.ttl), row)
	if err != nil {
		return err
	}
	if s == 0 {
		r.cells = append(r.cells, cell{n: absent})
		return nil
	}
	r.cells = append(r.cells, cell{uint32(len(r.bytes)), 4})
	r.bytes = binary.BigEndian.AppendUint32(r.bytes, uint32(s))
	return nil
}

const maxKey = 65535 // bytes of a part of a partition key

var errNoKey = errors.New("the partition key is empty, which Cassandra has no place for")

// token is that of the last row of cells.
func (r *rowSet) token() (ring.Token, error) {
	cells := r.cells[len(r.cells)-r.width:]
	if r.partition == 1 {
		if cells[0].n == 0 {
			return 0, errNoKey
		}
		return ring.Murmur3(r.value(cells[0])), nil
	}
	k := ring.Composite{Key: r.scratch[:0]}
	for _, c := range cells[:r.partition] {
		if c.n > maxKey {
			return 0, fmt.Errorf("a part of the partition key has %d bytes: at most 65,535 are allowed", c.n)
		}
		k.Start()
		k.Key = append(k.Key, r.value(c)...)
		k.End()
	}
	r.scratch = k.Key
	return ring.Murmur3(k.Key), nil
}
