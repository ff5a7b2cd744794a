package gossip

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Kinds of nodes.
const (
	Executor = "executor"
	Driver   = "driver"
)

// Node is what a member announces.
type Node struct {
	Name        string // at most 100 bytes
	Kind        string // Executor or Driver
	Address     string // host:port of its calls; "" where it takes none
	Rack        string
	Cores       int
	Memory      int64  // bytes
	Incarnation uint64 // greater after each start
	Engine      string // version
}

// Limits of a packet: the library has 512 bytes for it, and panics beyond.
const (
	maxMeta   = 512
	metaMark  = 0xA1 // version of the encoding
	maxName   = 100
	maxText   = 120
	maxEngine = 40
)

// texts are the strings of a node in the order of the encoding, each with its bound.
func (n *Node) texts() []struct {
	to    *string
	what  string
	limit int
} {
	return []struct {
		to    *string
		what  string
		limit int
	}{{&n.Name, "name", maxName}, {&n.Kind, "kind", 16}, {&n.Address, "address", maxText}, {&n.Rack, "rack", maxText}, {&n.Engine, "engine", maxEngine}}
}

// marshal encodes a node: a mark, the texts with their lengths in a byte each, the numbers as varints. It takes at most 436 bytes.
func (n Node) marshal() ([]byte, error) {
	out := []byte{metaMark}
	for _, t := range n.texts() {
		if len(*t.to) > t.limit {
			return nil, fmt.Errorf("announce %s %q: %d bytes are more than %d", t.what, *t.to, len(*t.to), t.limit)
		}
		out = append(append(out, byte(len(*t.to))), *t.to...)
	}
	for _, v := range []uint64{uint64(max(n.Cores, 0)), uint64(max(n.Memory, 0)), n.Incarnation} {
		out = binary.AppendUvarint(out, v)
	}
	return out, n.check()
}

var errMeta = errors.New("the metadata of the node cannot be read: it is of another version, or no executor's")

// unmarshal decodes what a stranger announced.
func unmarshal(in []byte) (n Node, err error) {
	if len(in) == 0 || len(in) > maxMeta || in[0] != metaMark {
		return n, errMeta
	}
	in = in[1:]
	for _, t := range n.texts() {
		if len(in) == 0 || int(in[0]) > t.limit || len(in) < 1+int(in[0]) {
			return Node{}, errMeta
		}
		*t.to, in = string(in[1:1+in[0]]), in[1+in[0]:]
	}
	var cores, memory uint64
	for _, to := range []*uint64{&cores, &memory, &n.Incarnation} {
		v, size := binary.Uvarint(in)
		if size <= 0 {
			return Node{}, errMeta
		}
		*to, in = v, in[size:]
	}
	if len(in) > 0 || cores > math.MaxInt32 || memory > math.MaxInt64 {
		return Node{}, errMeta
	}
	n.Cores, n.Memory = int(cores), int64(memory)
	return n, n.check()
}

// check refuses names that could not be printed or would be mistaken for others.
func (n *Node) check() error {
	if n.Name == "" || n.Kind != Executor && n.Kind != Driver {
		return fmt.Errorf("node %q of kind %q: it needs a name and is an %s or a %s", n.Name, n.Kind, Executor, Driver)
	}
	for _, t := range n.texts() {
		for _, r := range *t.to {
			if r <= ' ' || r == 0x7f || r == '\uFFFD' {
				return fmt.Errorf("node %q: its %s %q has characters that are not allowed", n.Name, t.what, *t.to)
			}
		}
	}
	return nil
}

// member is the node's name among members: two of one name must not be taken for a node that has moved.
func (n Node) member() string { return fmt.Sprintf("%s/%s#%x", n.Kind, n.Name, n.Incarnation) }

// unique is the nodes sorted by name and kind, of those with one name only the one that counts.
func unique(nodes []Node) []Node {
	slices.SortFunc(nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Incarnation, b.Incarnation), cmp.Compare(a.Address, b.Address))
	})
	var out []Node
	for _, n := range nodes {
		last := len(out) - 1
		switch {
		case last < 0 || out[last].Name != n.Name || out[last].Kind != n.Kind:
			out = append(out, n)
		case out[last].Address == n.Address:
			out[last] = n
		}
	}
	return out
}
