package cassandra

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/ring"
)

// place is the source's offsets: what was planned ends with this token. The least one belongs to no row.
type place struct {
	Token int64 `json:"token"`
	Done  bool  `json:"done,omitempty"`
}

// piece is a range of tokens (from, to] and the rows that were counted in it; -1 = not counted.
type piece struct {
	from, to int64
	rows     int64
}

// counted is the body of a split whose rows were counted.
type counted struct {
	Rows int64 `json:"rows"`
}

// Plan hands out the rest of the ring in ranges of tokens, without a look at the rows. With a limit it counts rows, of the keys alone, and hands out whole
// partitions until the next would exceed the limit.
func (s *Source) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at := place{Token: math.MinInt64}
	if len(from) > 0 {
		if err := json.Unmarshal(from, &at); err != nil {
			return dstream.Range{}, fmt.Errorf("cassandra: offsets %.100q are not of this source", from)
		}
	}
	if at.Done {
		return dstream.Range{To: from, Ended: true}, nil
	}
	var pieces []piece
	next := place{Token: math.MaxInt64, Done: true}
	if most := s.rowsOf(limit); most == 0 {
		r := s.session.Ring()
		pieces = cutRing(r.Nodes, r.Placement(s.keyspace), int(s.splits), at.Token)
	} else {
		var err error
		if pieces, next, err = s.count(ctx, at.Token, most); err != nil {
			return dstream.Range{}, fmt.Errorf("cassandra table %s: count the rows of a batch: %w", s.name(), err)
		}
	}
	to, err := json.Marshal(next)
	r := dstream.Range{To: to, Ended: next.Done}
	for _, p := range pieces {
		c := dstream.Split{Name: s.keyspace + "." + s.table, From: p.from, To: p.to}
		if p.rows >= 0 {
			c.Body, _ = json.Marshal(counted{p.rows}) // a number always has JSON
		}
		r.Splits = append(r.Splits, c)
	}
	return r, err
}

// rowsOf is a limit in rows; 0 = none. A row counts for what it takes in memory, text and nested values not included: their size is not known before they
// are read.
func (s *Source) rowsOf(l dstream.Limit) int64 {
	most := l.Rows
	if l.Bytes > 0 {
		rows := max(1, l.Bytes/int64(max(1, s.columns.Rows.Type.Size())))
		if most == 0 || rows < most {
			most = rows
		}
	}
	return most
}

const (
	splitsPerNode = 4  // so that the work can be spread, and little is read again after a failure
	tooManySplits = 32 // a node: with more ranges than that, a split for each would mostly be overhead
)

// cutRing cuts the tokens behind from into pieces: where the replicas change, so that a piece lies together, and further until there are at least want. A ring of many
// small ranges is cut evenly instead.
func cutRing(nodes []ring.Node, held *ring.Placement, want int, from int64) []piece {
	if want == 0 {
		want = splitsPerNode * len(nodes)
	}
	want = max(want, splitsPerNode) // fewer would be wider than an int64 counts
	ends := borders(nodes, held)
	if len(ends) > tooManySplits*len(nodes) {
		ends = nil
	}
	ends = append(ends, math.MaxInt64)
	width := uint64(math.MaxUint64)/uint64(want) + 1
	var out []piece
	for _, end := range ends {
		for end > from {
			size := uint64(end) - uint64(from)
			n := (size-1)/width + 1 // pieces that are still to be cut in front of end
			to := int64(uint64(from) + (size-1)/n + 1)
			out = append(out, piece{from, to, -1})
			from = to
		}
	}
	return out
}

// borders is the tokens behind which other nodes hold the rows, ascending.
func borders(nodes []ring.Node, held *ring.Placement) []int64 {
	var tokens []int64
	for _, n := range nodes {
		for _, t := range n.Tokens {
			tokens = append(tokens, int64(t))
		}
	}
	slices.Sort(tokens)
	tokens = slices.Compact(tokens)
	return slices.DeleteFunc(tokens, func(t int64) bool {
		return t == math.MaxInt64 || slices.Equal(holders(held, t), holders(held, t+1))
	})
}

// holders is the nodes that hold a token, in an order of their own.
func holders(held *ring.Placement, token int64) []int32 {
	return slices.Sorted(slices.Values(held.Replicas(ring.Token(token))))
}
