package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tidemill/tidemill/cmd/crash/rig"
)

// Network is a router and the nodes around it.
type Network struct {
	router *os.File
	nodes  []*os.File
	cuts   []cut
}

// Available tells whether New can work; what is missing stands in the error, which wraps ErrUnavailable.
func Available() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: only root can make them", ErrUnavailable)
	}
	n, err := New(2)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	err = n.Cut(0, 1, Both)
	if err := errors.Join(err, n.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// New makes a network of so many nodes, at most 250.
func New(nodes int) (n *Network, err error) {
	n = &Network{}
	defer func() {
		if err != nil {
			n.Close()
			n = nil
		}
	}()
	if n.router, err = namespace(); err != nil {
		return n, fmt.Errorf("make the router's namespace: %w", err)
	}
	if err := n.ip(n.router, "link set lo up"); err != nil {
		return n, err
	}
	if err := in(n.router, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) }); err != nil {
		return n, fmt.Errorf("have the router forward: %w", err)
	}
	for i := range nodes {
		ns, err := namespace()
		if err != nil {
			return n, fmt.Errorf("make the namespace of node %d: %w", i, err)
		}
		n.nodes = append(n.nodes, ns)
		if err := n.wire(i); err != nil {
			return n, fmt.Errorf("connect node %d: %w", i, err)
		}
	}
	return n, nil
}

// wire connects a node to the router, with a network of four addresses in each plane. What a node sends to an address of a plane has that
// plane's address as its source.
func (n *Network) wire(i int) error {
	node := n.nodes[i]
	if err := n.ip(n.router, fmt.Sprintf("link add wire%d type veth peer name wire netns /proc/%d/fd/%d", i, os.Getpid(), node.Fd())); err != nil {
		return err
	}
	commands := map[*os.File][]string{
		n.router: {fmt.Sprintf("link set wire%d up", i)},
		node:     {"link set lo up", "link set wire up"},
	}
	for _, p := range planes {
		router := fmt.Sprintf("10.%d.%d.1", nets[p], i)
		commands[n.router] = append(commands[n.router], fmt.Sprintf("addr add %s/30 dev wire%d", router, i))
		commands[node] = append(commands[node], fmt.Sprintf("addr add %s/30 dev wire", address(i, p)),
			fmt.Sprintf("route add 10.%d.0.0/16 via %s src %s", nets[p], router, address(i, p)))
	}
	for _, at := range []*os.File{n.router, node} {
		for _, c := range commands[at] {
			if err := n.ip(at, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// Enter calls f on a thread in the node's network: what f starts is there, and what it listens at.
func (n *Network) Enter(node int, f func() error) error { return in(n.nodes[node], f) }

// Cut drops what from sends to to in a plane, from now on. The other direction stays.
func (n *Network) Cut(from, to int, plane Plane) error {
	for _, p := range planes {
		if plane&p == 0 {
			continue
		}
		c := cut{address(from, p), address(to, p)}
		if err := n.ip(n.router, "rule add from "+c.from+" to "+c.to+" blackhole"); err != nil {
			return err
		}
		n.cuts = append(n.cuts, c)
	}
	return nil
}

// Heal takes all cuts back.
func (n *Network) Heal() error {
	for len(n.cuts) > 0 {
		c := n.cuts[len(n.cuts)-1]
		if err := n.ip(n.router, "rule del from "+c.from+" to "+c.to+" blackhole"); err != nil {
			return err
		}
		n.cuts = n.cuts[:len(n.cuts)-1]
	}
	return nil
}

// Close gives the namespaces up. Processes in them keep theirs until they end.
func (n *Network) Close() error {
	var errs []error
	for _, f := range append(n.nodes, n.router) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	n.nodes, n.router = nil, nil
	return errors.Join(errs...)
}

func (n *Network) ip(at *os.File, args string) error {
	return in(at, func() error {
		out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
		}
		return nil
	})
}

// own is the file of the calling thread's network namespace.
const own = "/proc/thread-self/ns/net"

// namespace makes one.
func namespace() (ns *os.File, err error) {
	err = away(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		ns, err = os.Open(own)
		return err
	})
	return ns, err
}

// in calls f on a thread in a namespace.
func in(ns *os.File, f func() error) error {
	return away(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// away calls f, which may change the thread's network namespace, and brings the thread back. A thread that cannot come back is of no use to
// anybody.
func away(f func() error) error {
	return rig.OnThread(func() error {
		home, err := os.Open(own)
		if err != nil {
			return err
		}
		defer home.Close()
		defer func() {
			if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
				panic(fmt.Sprintf("leave a network namespace: %v", err))
			}
		}()
		return f()
	})
}
