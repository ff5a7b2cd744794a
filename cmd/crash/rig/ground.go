package rig

import (
	"fmt"
	"net"
	"runtime"
)

// Ground is the network that nodes stand on: node 0 has the drivers, node i ≥ 1 executor i.
type Ground interface {
	// Control and Gossip are the IP addresses that a node listens at.
	Control(node int) string
	Gossip(node int) string
	// Enter calls f, which starts a process, or listens, in the node's network.
	Enter(node int, f func() error) error
}

// Loopback has node i ≥ 1 at 127.0.0.i, and drivers at 127.0.0.1.
type Loopback struct{}

// Control is an address of the loopback network.
func (Loopback) Control(node int) string { return fmt.Sprintf("127.0.0.%d", max(node, 1)) }

// Gossip is the same.
func (l Loopback) Gossip(node int) string { return l.Control(node) }

// Enter calls f on a thread that lasts.
func (Loopback) Enter(_ int, f func() error) error { return OnThread(f) }

// OnThread calls f on a thread that lives as long as this process, and that all callers share: a process whose parent's death kills it
// (PR_SET_PDEATHSIG) dies with the thread that started it.
func OnThread(f func() error) error {
	done := make(chan error, 1)
	calls <- func() { done <- f() }
	return <-done
}

var calls = make(chan func())

func init() {
	go func() {
		runtime.LockOSThread()
		for f := range calls {
			f()
		}
	}()
}

// freePort finds a port of an address that nobody listens at, for TCP and UDP. Somebody else may take it at any time; nobody does so on an
// address of loopback that is not 127.0.0.1, or in a network of its own.
func freePort(g Ground, node int, ip string) (port int, err error) {
	err = g.Enter(node, func() error {
		for range 20 {
			l, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
			if err != nil {
				return err
			}
			port = l.Addr().(*net.TCPAddr).Port
			u, err := net.ListenPacket("udp", l.Addr().String())
			l.Close()
			if err == nil {
				return u.Close()
			}
		}
		return fmt.Errorf("no port of %s is free", ip)
	})
	return port, err
}
