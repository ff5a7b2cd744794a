package ring

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Node is a member of the ring.
type Node struct {
	ID       string // host_id, which stays when the address changes
	Address  string // host:port of the native protocol
	DC, Rack string
	Tokens   []Token
}

// Replication is how a keyspace spreads its rows.
type Replication struct {
	Class   string         // of the strategy, without its package
	Factors map[string]int // full replicas a data centre; of SimpleStrategy the key is ""
}

// ParseReplication reads the replication of a keyspace as system_schema.keyspaces has it. In "3/1", of three replicas one is transient:
// it counts as a node of its own for placement, and so does here.
func ParseReplication(options map[string]string) (Replication, error) {
	class := options["class"]
	r := Replication{Class: class[strings.LastIndexByte(class, '.')+1:], Factors: map[string]int{}}
	for name, v := range options {
		dc := name
		switch {
		case name == "class", r.Class != "SimpleStrategy" && r.Class != "NetworkTopologyStrategy":
			continue
		case r.Class == "SimpleStrategy" && name != "replication_factor":
			continue
		case r.Class == "SimpleStrategy":
			dc = ""
		}
		full, _, _ := strings.Cut(v, "/")
		n, err := strconv.Atoi(full)
		if err != nil || n < 0 {
			return r, fmt.Errorf("replication %s of %q: %q is no number", r.Class, name, v)
		}
		r.Factors[dc] = n
	}
	return r, nil
}

// Placement says which nodes hold which tokens. It is immutable.
type Placement struct {
	ends     []Token   // of the ranges (previous, end], ascending; the first wraps around
	replicas [][]int32 // of each, in the order in which the server names them: the first is the primary

	// A token in slot s, one of 2^(64-shift) equal slots of token space, lies in one of the ranges starts[s] … starts[s+1].
	starts []int32
	shift  uint
}

// Place computes which nodes hold what. Two nodes with one token, which no ring has, are told apart by their order.
func Place(nodes []Node, r Replication) *Placement {
	w := walk{nodes: nodes}
	for n, node := range nodes {
		for _, t := range node.Tokens {
			w.ring = append(w.ring, owned{t, int32(n)})
		}
	}
	slices.SortStableFunc(w.ring, func(a, b owned) int { return compareTokens(a.token, b.token) })
	p := &Placement{}
	for i := range w.ring {
		p.ends = append(p.ends, w.ring[i].token)
		p.replicas = append(p.replicas, w.from(i, r))
	}
	p.index()
	return p
}

func compareTokens(a, b Token) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
