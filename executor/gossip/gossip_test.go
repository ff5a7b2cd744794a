package gossip

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func executor(name string, incarnation uint64, addr string) Node {
	return Node{Name: name, Kind: Executor, Address: addr, Rack: "r1", Cores: 4, Memory: 1 << 30, Incarnation: incarnation, Engine: "1"}
}

// join joins for the time of the test.
func join(t *testing.T, o Options) *Member {
	t.Helper()
	m, err := Join(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Leave(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// await waits until a member's nodes, as names, are as wanted.
func await(t *testing.T, m *Member, want ...string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		var got []string
		for _, n := range m.Nodes() {
			got = append(got, n.Name+"@"+n.Address)
		}
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-m.Changed():
		case <-deadline:
			t.Fatalf("nodes %v, want %v", got, want)
		}
	}
}

func TestThreeMembersFindEachOther(t *testing.T) {
	a := join(t, Options{Self: executor("a", 1, "127.0.0.1:1"), Bind: "127.0.0.1:0"})
	b := join(t, Options{Self: executor("b", 1, "127.0.0.2:1"), Bind: "127.0.0.2:0", Seeds: []string{a.Addr()}})
	driver := Node{Name: "ads", Kind: Driver, Incarnation: 3, Engine: "1"}
	c := join(t, Options{Self: driver, Bind: "127.0.0.3:0", Seeds: []string{b.Addr()}, Required: true})
	for _, m := range []*Member{a, b, c} {
		await(t, m, "a@127.0.0.1:1", "ads@", "b@127.0.0.2:1")
	}
	if got := a.Nodes()[0]; got != executor("a", 1, "127.0.0.1:1") {
		t.Errorf("%+v", got)
	}
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, a, "a@127.0.0.1:1", "ads@")
	await(t, c, "a@127.0.0.1:1", "ads@")
}

func TestSecondOfANameIsIgnored(t *testing.T) {
	a := join(t, Options{Self: executor("a", 5, "127.0.0.1:1")})
	b := join(t, Options{Self: executor("a", 9, "127.0.0.1:2"), Seeds: []string{a.Addr()}})
	c := join(t, Options{Self: executor("c", 1, "127.0.0.1:3"), Seeds: []string{a.Addr()}})
	await(t, c, "a@127.0.0.1:1", "c@127.0.0.1:3")
	await(t, b, "a@127.0.0.1:1", "c@127.0.0.1:3")
	if n := len(c.All()); n != 3 {
		t.Errorf("%d members in all", n)
	}
	if err := a.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, c, "a@127.0.0.1:2", "c@127.0.0.1:3")
}

func TestUnique(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []Node
		want string
	}{
		{"sorted", []Node{executor("b", 1, "y"), executor("a", 1, "x")}, "a x 1, b y 1"},
		{"the earliest", []Node{executor("a", 2, "y"), executor("a", 1, "x")}, "a x 1"},
		{"the latest at one address", []Node{executor("a", 1, "x"), executor("a", 2, "x")}, "a x 2"},
		{"started again beside a second one", []Node{executor("a", 1, "x"), executor("a", 2, "y"), executor("a", 3, "x")}, "a x 3"},
		{"kinds apart", []Node{{Name: "a", Kind: Driver}, executor("a", 2, "x")}, "a  0, a x 2"},
	} {
		var got []string
		for _, n := range unique(c.in) {
			got = append(got, fmt.Sprintf("%s %s %d", n.Name, n.Address, n.Incarnation))
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

func key(b byte) []byte { return []byte(strings.Repeat(string(rune('a'+b)), 32)) }

func TestRefusals(t *testing.T) {
	a := join(t, Options{Self: executor("a", 1, "x"), Keys: [][]byte{key(0)}, Cluster: "one"})
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"another secret", Options{Self: executor("b", 1, "y"), Keys: [][]byte{key(1)}, Cluster: "one"}, "does not let this node in"},
		{"no secret", Options{Self: executor("b", 1, "y"), Cluster: "one"}, "does not let this node in"},
		{"another cluster", Options{Self: executor("b", 1, "y"), Keys: [][]byte{key(0)}, Cluster: "two"}, "does not let this node in"},
		{"long name", Options{Self: executor(strings.Repeat("n", 101), 1, "y")}, "101 bytes are more than 100"},
		{"no kind", Options{Self: Node{Name: "b"}}, "it needs a name"},
		{"name for a terminal", Options{Self: executor("b\x1b[2J", 1, "y")}, "not allowed"},
		{"no port", Options{Self: executor("b", 1, "y"), Bind: "127.0.0.1"}, "not host:port"},
		{"bad key", Options{Self: executor("b", 1, "y"), Keys: [][]byte{[]byte("short")}}, "gossip keys"},
		{"a port that is taken", Options{Self: executor("b", 1, "y"), Bind: a.Addr()}, "address already in use"},
	} {
		if c.o.Seeds = []string{a.Addr()}; c.o.Bind == "" {
			c.o.Bind = "127.0.0.1:0"
		}
		m, err := Join(t.Context(), c.o)
		if err == nil {
			m.Leave(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	await(t, a, "a@x")
}

func TestSeedsThatAreNotThere(t *testing.T) {
	gone := join(t, Options{Self: executor("a", 1, "x")})
	seed := gone.Addr()
	if err := gone.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	o := Options{Self: executor("b", 1, "y"), Seeds: []string{seed}, Required: true}
	if _, err := Join(t.Context(), o); err == nil || !strings.Contains(err.Error(), seed+" cannot be reached") {
		t.Errorf("required: %v", err)
	}
	o.Required = false
	m := join(t, o)
	await(t, m, "b@y")
	// The seed comes up later, and does not know this node: it is found all the same.
	join(t, Options{Self: executor("a", 2, "x"), Bind: seed})
	m.seekOnce(t.Context())
	await(t, m, "a@x", "b@y")
}

func TestRekey(t *testing.T) {
	a := join(t, Options{Self: executor("a", 1, "x"), Keys: [][]byte{key(0)}})
	b := join(t, Options{Self: executor("b", 1, "y"), Keys: [][]byte{key(0)}, Seeds: []string{a.Addr()}})
	for _, keys := range [][][]byte{{key(0), key(1)}, {key(1), key(0)}, {key(1)}} {
		for _, m := range []*Member{a, b} {
			if err := m.Rekey(keys); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := join(t, Options{Self: executor("c", 1, "z"), Keys: [][]byte{key(1)}, Seeds: []string{b.Addr()}, Required: true})
	await(t, c, "a@x", "b@y", "c@z")
	if _, err := Join(t.Context(), Options{Self: executor("d", 1, "z"), Keys: [][]byte{key(0)}, Seeds: []string{b.Addr()}}); err == nil {
		t.Error("the old key still opens the door")
	}
	plain := join(t, Options{Self: executor("e", 1, "x")})
	if err := plain.Rekey([][]byte{key(0)}); err == nil {
		t.Error("encryption was switched on while it runs")
	}
}

func TestLeaveInTime(t *testing.T) {
	m := join(t, Options{Self: executor("a", 1, "x")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	join(t, Options{Self: executor("b", 1, "y"), Seeds: []string{m.Addr()}})
	await(t, m, "a@x", "b@y")
	first := m.Leave(ctx) // there may be no time to tell the other one
	if err := m.Leave(t.Context()); err != first {
		t.Errorf("%v, and then %v", first, err)
	}
	m.left = sync.Once{}
	m.leaveErr = nil
	m.left.Do(func() {}) // the end of the test asks again
}

func TestLargestNodeFits(t *testing.T) {
	n := Node{Name: strings.Repeat("n", maxName), Kind: Executor, Address: strings.Repeat("a", maxText), Rack: strings.Repeat("r", maxText),
		Engine: strings.Repeat("e", maxEngine), Cores: 1<<31 - 1, Memory: 1<<63 - 1, Incarnation: 1<<64 - 1}
	b, err := n.marshal()
	if err != nil || len(b) > maxMeta {
		t.Fatal(len(b), err)
	}
	if got, err := unmarshal(b); err != nil || got != n {
		t.Error(got, err)
	}
}

func FuzzMetadata(f *testing.F) {
	for _, n := range []Node{executor("a", 1, "127.0.0.1:7077"), {Name: "ads", Kind: Driver}} {
		b, err := n.marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Add([]byte{metaMark, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := unmarshal(in)
		if err != nil {
			return
		}
		out, err := n.marshal()
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", n, err)
		}
		if again, err := unmarshal(out); err != nil || again != n {
			t.Fatalf("%+v became %+v: %v", n, again, err)
		}
	})
}
