package ring

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestLocateIsABinarySearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := cluster(t)
		p := Place(nodes, Replication{"SimpleStrategy", map[string]int{"": 2}})
		tokens := append(slices.Clone(p.ends), math.MinInt64, math.MaxInt64, 0, Token(rapid.Int64().Draw(t, "token")))
		for _, e := range p.ends {
			tokens = append(tokens, e+1, e-1)
		}
		for i, got := range p.AppendLocated(nil, tokens) {
			want, _ := slices.BinarySearch(p.ends, tokens[i])
			if int(got) != want%len(p.ends) {
				t.Fatalf("token %d: range %d, want %d", tokens[i], got, want)
			}
		}
	})
}

// Every token but the lowest lies in exactly one of the ranges, and that has its replicas.
func TestRangesCoverTheRing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := cluster(t)
		if rapid.Bool().Draw(t, "edges") {
			nodes[0].Tokens[0], nodes[0].Tokens[1] = math.MinInt64, math.MaxInt64
		}
		if rapid.Bool().Draw(t, "one") {
			nodes = nodes[:1]
			nodes[0].Tokens = nodes[0].Tokens[:1]
		}
		p := Place(nodes, Replication{"SimpleStrategy", map[string]int{"": 2}})
		next := Token(math.MinInt64)
		for r, number := range p.Ranges() {
			if r.After != next || r.End <= r.After {
				t.Fatalf("range %v after %d", r, next)
			}
			for _, token := range []Token{r.After + 1, r.End} {
				if got := p.Locate(token); got != number {
					t.Fatalf("token %d of range %v: %d, want %d", token, r, got, number)
				}
			}
			next = r.End
		}
		if next != math.MaxInt64 {
			t.Fatalf("the ring ends at %d", next)
		}
	})
}

func TestNoNodes(t *testing.T) {
	for _, p := range []*Placement{{}, Place(nil, Replication{"SimpleStrategy", map[string]int{"": 3}})} {
		if p.Locate(7) != -1 || p.Replicas(7) != nil || p.Len() != 0 {
			t.Error("a token lies somewhere")
		}
		for r := range p.Ranges() {
			t.Error(r)
		}
	}
}

func TestKeyFor(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	tokens := []Token{math.MinInt64 + 1, math.MaxInt64, -1, 0, 1}
	for range 1_000_000 {
		tokens = append(tokens, Token(max(r.Uint64(), 1<<63+1)))
		tokens = append(tokens, Token(r.Int64()))
	}
	for _, token := range tokens {
		salt := r.Uint64()
		key := KeyFor(token, salt)
		if got := Murmur3(key[:]); got != token {
			t.Fatalf("the key for %d has the token %d", token, got)
		}
		if other := KeyFor(token, salt+1); other == key {
			t.Fatalf("two salts, one key for %d", token)
		}
	}
	if key := KeyFor(math.MinInt64, 5); Murmur3(key[:]) != math.MaxInt64 {
		t.Error("the lowest token")
	}
}

func FuzzKeyFor(f *testing.F) {
	f.Add(int64(1), uint64(2))
	f.Fuzz(func(t *testing.T, token int64, salt uint64) {
		key := KeyFor(Token(token), salt)
		if got := Murmur3(key[:]); int64(got) != token && token != math.MinInt64 {
			t.Errorf("%d, want %d", got, token)
		}
	})
}

// A chunk of rows of a ring of 1,000 nodes with 16 tokens each: hash and search of a row.
func BenchmarkRowToRange(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	nodes := make([]Node, 1000)
	for i := range nodes {
		nodes[i].DC, nodes[i].Rack = "dc", string(rune('a'+i%3))
		for range 16 {
			nodes[i].Tokens = append(nodes[i].Tokens, Token(r.Uint64()))
		}
	}
	p := Place(nodes, Replication{"NetworkTopologyStrategy", map[string]int{"dc": 3}})
	keys := make([][]byte, 1<<14)
	for i := range keys {
		keys[i] = AppendText(nil, "campaign-")
		keys[i] = AppendBigint(keys[i], r.Int64())
	}
	tokens := make([]Token, len(keys))
	var at []int32
	b.ReportAllocs()
	for b.Loop() {
		for i, k := range keys {
			tokens[i] = Murmur3(k)
		}
		at = p.AppendLocated(at[:0], tokens)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/row")
}
