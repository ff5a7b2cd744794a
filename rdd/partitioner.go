package rdd

import (
	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/tidemill/tidemill/rdd/ring"
)

// DefaultGroups is the number of key groups unless the layer above fixed another: equal slices of token space, the unit in
// which keys are placed and moved.
const DefaultGroups = 1024

// Partitioner maps a key's token to a partition: a partition is a contiguous set of key groups. The token is Cassandra's own
// (Murmur3 of the key's serialised form), so that a key's partition is the same in every process and release and can be
// placed beside the node that will store it.
type Partitioner struct {
	Groups int // a power of two
	Parts  int
	table  []int32 // group → partition
}

// NewPartitioner returns the partitioner of that many key groups (a power of two; 0 = DefaultGroups) into parts partitions (at
// least one).
func NewPartitioner(groups, parts int) *Partitioner {
	if groups == 0 {
		groups = DefaultGroups
	}
	parts = max(parts, 1)
	p := &Partitioner{Groups: groups, Parts: parts, table: make([]int32, groups)}
	for g := range p.table {
		p.table[g] = int32(ring.Partition(g, groups, parts))
	}
	return p
}

// Of returns the partition of a token.
func (p *Partitioner) Of(token int64) int {
	return int(p.table[ring.Group(ring.Token(token), p.Groups)])
}

// place sets dest, as long as tokens, to the partition of each.
func (p *Partitioner) place(tokens []int64, dest []int32) {
	for i, token := range tokens {
		dest[i] = p.table[ring.Group(ring.Token(token), p.Groups)]
	}
}

// tokens returns the tokens of in's keys: those that travelled with the rows, else computed into buf.
func tokens[K comparable, V any](in *Rows[K, V], hash func([]K, []int64), buf *[]int64) []int64 {
	if in.Tokens != nil {
		return in.Tokens
	}
	*buf = Sized(*buf, len(in.Vals))
	if in.Keys == nil { // None: all rows have the one key that there is
		clear(*buf)
		return *buf
	}
	hash(in.Keys, *buf)
	return *buf
}

// keyToken is codec.KeyToken with its error put at the node.
func keyToken[K comparable](n *Node) func([]K, []int64) {
	hash, err := codec.KeyToken[K]()
	if err != nil {
		n.Failed(err)
	}
	return hash
}
