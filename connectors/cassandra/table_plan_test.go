package cassandra

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/tidemill/tidemill/rdd/ring"
)

// Pieces cover the ring once, in order, whatever the ring looks like.
func TestCutRing(t *testing.T) {
	replication := ring.Replication{Class: "SimpleStrategy", Factors: map[string]int{"": 2}}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var nodes []ring.Node
		for i := range r.IntN(4) {
			n := ring.Node{ID: string(rune('a' + i))}
			for range r.IntN(300) {
				n.Tokens = append(n.Tokens, ring.Token(r.Uint64()))
			}
			nodes = append(nodes, n)
		}
		from, want := int64(math.MinInt64), r.IntN(40)
		if r.IntN(2) == 0 {
			from = int64(r.Uint64())
		}
		pieces := cutRing(nodes, ring.Place(nodes, replication), want, from)
		for _, p := range pieces {
			if p.from != from || p.to <= p.from || p.to-p.from < 0 || p.rows != -1 {
				t.Fatalf("piece (%d, %d] behind %d", p.from, p.to, from)
			}
			from = p.to
		}
		if from != math.MaxInt64 {
			t.Fatalf("the pieces end at %d", from)
		}
	}
	if n := len(cutRing(nil, &ring.Placement{}, 0, math.MinInt64)); n != splitsPerNode {
		t.Errorf("%d pieces without nodes", n)
	}
	if n := len(cutRing(nil, &ring.Placement{}, 7, math.MinInt64)); n != 7 {
		t.Errorf("%d pieces, want 7", n)
	}
	if got := cutRing(nil, &ring.Placement{}, 7, math.MaxInt64); len(got) != 0 {
		t.Errorf("behind the last token: %v", got)
	}
}

// Page sizes follow the size of rows, and do not jump.
func TestPageSizes(t *testing.T) {
	p := pages{s: &Source{tableOptions: tableOptions{pageBytes: 1 << 20}}, size: firstPage}
	for _, c := range []struct{ bytes, rows, want int }{
		{64 * 10, 64, 512}, {512 * 10, 512, 4096}, {4096 * 10, 4096, 32768}, {32768 * 10, 32768, 50_000}, {50_000_000, 50_000, 1048},
		{1 << 21, 1, 1}, {0, 0, 1}, {100, 1, 8}, {0, 8, 64},
	} {
		if p.resize(int64(c.bytes), c.rows); p.size != c.want {
			t.Errorf("after %d bytes in %d rows: %d rows, want %d", c.bytes, c.rows, p.size, c.want)
		}
	}
}
