package cql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/rdd/ring"
)

// Node is a member of the ring.
type Node struct {
	ID       string // host_id, which stays when the address changes
	Address  string // host:port of the native protocol
	DC, Rack string
	Tokens   []ring.Token
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
	ends     []ring.Token // of the ranges (previous, end], ascending; the first wraps around
	replicas [][]int32    // of each, in the order in which the server names them: the first is the primary
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
	return p
}

func compareTokens(a, b ring.Token) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Replicas is the nodes that hold a token, as indices of what Place was given. The slice is not the caller's. It is empty without nodes.
func (p *Placement) Replicas(t ring.Token) []int32 {
	if len(p.ends) == 0 {
		return nil
	}
	i, _ := slices.BinarySearch(p.ends, t)
	if i == len(p.ends) { // beyond the last token: the range that wraps
		i = 0
	}
	return p.replicas[i]
}

// walk goes clockwise around the ring.
type walk struct {
	nodes []Node
	ring  []owned
}

type owned struct {
	token ring.Token
	node  int32
}

func (w walk) from(start int, r Replication) []int32 {
	switch r.Class {
	case "SimpleStrategy":
		return w.simple(start, r.Factors[""])
	case "NetworkTopologyStrategy":
		return w.topology(start, r.Factors)
	case "LocalStrategy":
		return nil // every node its own
	}
	return w.simple(start, len(w.nodes)) // EverywhereStrategy, and what is not known
}

// simple is the next factor nodes, whatever their place (locator/SimpleStrategy).
func (w walk) simple(start, factor int) (out []int32) {
	for i := 0; i < len(w.ring) && len(out) < factor; i++ {
		if n := w.ring[(start+i)%len(w.ring)].node; !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// room is what a data centre still takes.
type room struct {
	left    int // replicas
	repeats int // of racks that have one: as many as the factor exceeds the racks
	racks   map[string]bool
}

// topology gives each data centre its factor, one rack after the other as long as there are new ones
// (locator/NetworkTopologyStrategy.calculateNaturalReplicas).
func (w walk) topology(start int, factors map[string]int) (out []int32) {
	rooms := w.rooms(factors)
	for i := range w.ring {
		n := w.ring[(start+i)%len(w.ring)].node
		node := w.nodes[n]
		in := rooms[node.DC]
		if in == nil || in.left == 0 || slices.Contains(out, n) {
			continue
		}
		if in.racks[node.Rack] {
			if in.repeats <= 0 {
				continue
			}
			in.repeats--
		}
		in.racks[node.Rack] = true
		in.left--
		out = append(out, n)
	}
	return out
}

func (w walk) rooms(factors map[string]int) map[string]*room {
	nodes, racks := map[string]int{}, map[string]map[string]bool{}
	for _, n := range w.nodes {
		if racks[n.DC] == nil {
			racks[n.DC] = map[string]bool{}
		}
		nodes[n.DC]++
		racks[n.DC][n.Rack] = true
	}
	out := map[string]*room{}
	for dc, factor := range factors {
		if nodes[dc] > 0 && factor > 0 {
			out[dc] = &room{min(factor, nodes[dc]), factor - len(racks[dc]), map[string]bool{}}
		}
	}
	return out
}
