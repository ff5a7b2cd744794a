package netns

import (
	"errors"
	"fmt"
)

// Plane is a set of addresses: those of one kind of traffic.
type Plane int

// The planes.
const (
	Control Plane = 1 << iota // the control stream, blocks, and calls of executors
	Gossip
	Both = Control | Gossip
)

// String names the plane.
func (p Plane) String() string {
	switch p {
	case Control:
		return "control"
	case Gossip:
		return "gossip"
	case Both:
		return "control and gossip"
	}
	return fmt.Sprintf("plane %d", int(p))
}

// nets are the first bytes of the planes' addresses. They exist in the namespaces only.
var nets = map[Plane]int{Control: 77, Gossip: 78}

// planes in a fixed order.
var planes = []Plane{Control, Gossip}

// ErrUnavailable wraps what Available returns.
var ErrUnavailable = errors.New("no network namespaces")

// cut is a rule of the router: what the address from sends to the address to is dropped.
type cut struct{ from, to string }

// address of a node in a plane; the router's is one less.
func address(node int, p Plane) string { return fmt.Sprintf("10.%d.%d.2", nets[p], node) }

// Control is the address at which a node listens for everything but gossip.
func (n *Network) Control(node int) string { return address(node, Control) }

// Gossip is the address at which a node gossips.
func (n *Network) Gossip(node int) string { return address(node, Gossip) }
