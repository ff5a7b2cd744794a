package ring

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// cluster makes nodes named by data centre, rack and number, with tokens dealt around the ring at random.
func cluster(t *rapid.T) []Node {
	var nodes []Node
	for dc := range rapid.IntRange(1, 2).Draw(t, "data centres") {
		racks := rapid.IntRange(1, 4).Draw(t, "racks")
		for n := range rapid.IntRange(1, 6).Draw(t, "nodes") {
			nodes = append(nodes, Node{ID: fmt.Sprint(dc, n), DC: fmt.Sprint("dc", dc), Rack: fmt.Sprint("r", rapid.IntRange(0, racks-1).Draw(t, "rack"))})
		}
	}
	tokens := rapid.SliceOfNDistinct(rapid.Int64(), 4*len(nodes), 4*len(nodes), rapid.ID).Draw(t, "tokens")
	for i := range nodes {
		for _, v := range tokens[4*i : 4*i+4] {
			nodes[i].Tokens = append(nodes[i].Tokens, Token(v))
		}
	}
	return nodes
}

// datacenter follows DatacenterEndpoints of Cassandra's NetworkTopologyStrategy line by line.
type datacenter struct {
	rfLeft, acceptableRackRepeats int
	racks                         map[string]bool
	replicas                      *[]int32
}

func (d *datacenter) addEndpointAndCheckIfDone(endpoint int32, rack string) bool {
	if d.rfLeft == 0 {
		return false
	}
	if slices.Contains(*d.replicas, endpoint) {
		return false
	}
	if !d.racks[rack] {
		d.racks[rack] = true
		d.rfLeft--
		*d.replicas = append(*d.replicas, endpoint)
		return d.rfLeft == 0
	}
	if d.acceptableRackRepeats <= 0 {
		return false
	}
	*d.replicas = append(*d.replicas, endpoint)
	d.acceptableRackRepeats--
	d.rfLeft--
	return d.rfLeft == 0
}

// natural is calculateNaturalReplicas for a token.
func natural(nodes []Node, factors map[string]int, search Token) (replicas []int32) {
	type entry struct {
		token Token
		node  int32
	}
	var sorted []entry
	for i, n := range nodes {
		for _, t := range n.Tokens {
			sorted = append(sorted, entry{t, int32(i)})
		}
	}
	slices.SortFunc(sorted, func(a, b entry) int { return cmp.Compare(a.token, b.token) })
	first := slices.IndexFunc(sorted, func(e entry) bool { return e.token >= search })
	if first < 0 {
		first = 0
	}
	dcs := map[string]*datacenter{}
	toFill := 0
	for dc, rf := range factors {
		count, racks := 0, map[string]bool{}
		for _, n := range nodes {
			if n.DC == dc {
				count++
				racks[n.Rack] = true
			}
		}
		if rf <= 0 || count <= 0 {
			continue
		}
		dcs[dc] = &datacenter{min(rf, count), rf - len(racks), map[string]bool{}, &replicas}
		toFill++
	}
	for i := 0; toFill > 0 && i < len(sorted); i++ {
		e := sorted[(first+i)%len(sorted)]
		if dc := dcs[nodes[e.node].DC]; dc != nil && dc.addEndpointAndCheckIfDone(e.node, nodes[e.node].Rack) {
			toFill--
		}
	}
	return replicas
}

func TestNetworkTopologyIsTheServersRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := cluster(t)
		factors := map[string]int{"dc0": rapid.IntRange(0, 5).Draw(t, "rf0"), "dc1": rapid.IntRange(0, 3).Draw(t, "rf1"), "elsewhere": 3}
		p := Place(nodes, Replication{"NetworkTopologyStrategy", factors})
		tokens := append([]Token{-1 << 63, 0, 1<<63 - 1}, nodes[0].Tokens...)
		for _, token := range append(tokens, Token(rapid.Int64().Draw(t, "token"))) {
			if got, want := p.Replicas(token), natural(nodes, factors, token); !slices.Equal(got, want) {
				t.Fatalf("token %d: nodes %v, want %v", token, got, want)
			}
		}
	})
}

// Three nodes of one rack with several tokens each: every token has three replicas, which gocql 1.7 gets wrong.
func TestNoNodeTwice(t *testing.T) {
	nodes := []Node{
		{ID: "a", DC: "dc", Rack: "r", Tokens: []Token{0, 10, 60}},
		{ID: "b", DC: "dc", Rack: "r", Tokens: []Token{20, 30, 40}},
		{ID: "c", DC: "dc", Rack: "r", Tokens: []Token{50, 70, 80}},
	}
	for _, r := range []Replication{
		{"NetworkTopologyStrategy", map[string]int{"dc": 3}}, {"SimpleStrategy", map[string]int{"": 3}}, {"EverywhereStrategy", nil},
	} {
		p := Place(nodes, r)
		for token, want := range map[Token][]int32{-5: {0, 1, 2}, 0: {0, 1, 2}, 1: {0, 1, 2}, 11: {1, 2, 0}, 41: {2, 0, 1}, 61: {2, 0, 1}, 81: {0, 1, 2}} {
			if got := p.Replicas(token); !slices.Equal(got, want) {
				t.Errorf("%s, token %d: %v, want %v", r.Class, token, got, want)
			}
		}
	}
	if got := Place(nil, Replication{"SimpleStrategy", map[string]int{"": 3}}).Replicas(7); got != nil {
		t.Errorf("no nodes: %v", got)
	}
}

func TestParseReplication(t *testing.T) {
	for _, c := range []struct {
		options map[string]string
		want    string
	}{
		{map[string]string{"class": "org.apache.cassandra.locator.SimpleStrategy", "replication_factor": "2"}, "{SimpleStrategy map[:2]} <nil>"},
		{map[string]string{"class": "org.apache.cassandra.locator.NetworkTopologyStrategy", "dc1": "3/1", "dc2": "2"}, "{NetworkTopologyStrategy map[dc1:3 dc2:2]} <nil>"},
		{map[string]string{"class": "org.apache.cassandra.locator.LocalStrategy"}, "{LocalStrategy map[]} <nil>"},
		{map[string]string{"class": "NetworkTopologyStrategy", "dc1": "x"}, `{NetworkTopologyStrategy map[]} replication NetworkTopologyStrategy of "dc1": "x" is no number`},
	} {
		r, err := ParseReplication(c.options)
		if got := fmt.Sprint(r, " ", err); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
