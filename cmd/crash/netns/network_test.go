package netns

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

func network(t *testing.T, nodes int) *Network {
	if err := Available(); err != nil {
		if os.Getenv("CI") == "true" && os.Geteuid() == 0 {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	n, err := New(nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// listen receives datagrams at a node.
func listen(t *testing.T, n *Network, node int, p Plane) net.PacketConn {
	var c net.PacketConn
	err := n.Enter(node, func() (err error) {
		c, err = net.ListenPacket("udp", net.JoinHostPort(address(node, p), "0"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// arrives tells whether a datagram does. Nothing is lost here but by a cut, and nothing takes long; what is cut takes this test a while.
func arrives(t *testing.T, from, to net.PacketConn) bool {
	t.Helper()
	if _, err := from.WriteTo([]byte("x"), to.LocalAddr()); err != nil {
		t.Fatal(err) // a cut is silent
	}
	if err := to.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, _, err := to.ReadFrom(make([]byte, 10))
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return err == nil
}

func TestCuts(t *testing.T) {
	n := network(t, 3)
	at := map[Plane][]net.PacketConn{}
	for _, p := range planes {
		for i := range 3 {
			at[p] = append(at[p], listen(t, n, i, p))
		}
	}
	look := func(step string, broken ...cut) {
		t.Helper()
		for _, p := range planes {
			for from := range 3 {
				for to := range 3 {
					is := true
					for _, c := range broken {
						is = is && c != cut{address(from, p), address(to, p)}
					}
					if from != to && arrives(t, at[p][from], at[p][to]) != is {
						t.Errorf("%s: %v from %d to %d arrives: %v", step, p, from, to, !is)
					}
				}
			}
		}
	}
	look("whole")
	if err := n.Cut(0, 1, Control); err != nil {
		t.Fatal(err)
	}
	look("one way, control", cut{"10.77.0.2", "10.77.1.2"})
	if err := errors.Join(n.Cut(1, 0, Control), n.Cut(2, 1, Gossip)); err != nil {
		t.Fatal(err)
	}
	look("two ways, and gossip of another", cut{"10.77.0.2", "10.77.1.2"}, cut{"10.77.1.2", "10.77.0.2"}, cut{"10.78.2.2", "10.78.1.2"})
	if err := n.Heal(); err != nil {
		t.Fatal(err)
	}
	look("healed")
}

// TestConnectionsSurvive holds a connection over a cut: what was sent meanwhile arrives afterwards.
func TestConnectionsSurvive(t *testing.T) {
	n := network(t, 2)
	var l net.Listener
	if err := n.Enter(1, func() (err error) { l, err = net.Listen("tcp", n.Control(1)+":0"); return err }); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var a net.Conn
	if err := n.Enter(0, func() (err error) { a, err = net.DialTimeout("tcp", l.Addr().String(), 5*time.Second); return err }); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if from := b.RemoteAddr().(*net.TCPAddr).IP.String(); from != n.Control(0) {
		t.Errorf("the connection comes from %s", from)
	}
	if err := n.Cut(0, 1, Both); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("y")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 1)
	if b.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); true {
		if _, err := b.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("over a cut: %v", err)
		}
	}
	if err := n.Heal(); err != nil {
		t.Fatal(err)
	}
	b.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := b.Read(got); err != nil || got[0] != 'y' {
		t.Errorf("healed: %q, %v", got, err)
	}
}
