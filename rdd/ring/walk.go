package ring

import "slices"

// walk goes clockwise around the ring.
type walk struct {
	nodes []Node
	ring  []owned
}

type owned struct {
	token Token
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
