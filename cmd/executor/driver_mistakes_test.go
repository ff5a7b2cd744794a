package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// TestDriverWaits runs the job on clusters that are no use to it. It says why, waits, and ends when it is told to.
func TestDriverWaits(t *testing.T) {
	c, foreign := newCerts(t), newCerts(t)
	plain, secured := start(t, "ex-1"), start(t, "ex-9", shown(c.of("ex-9", identity.Executor))...)
	dead := start(t, "ex-2", "--advertise", "127.0.0.77")
	small := start(t, "ex-3", "--memory", "64MiB")
	web := httptest.NewServer(nil)
	t.Cleanup(web.Close)
	nobody := closedPort(t)
	_, expired := past()
	old := impostor(t, c.at(time.Now().Add(-48*time.Hour), expired, "ex-8", identity.Executor))
	driver := identified(c.of("dr", identity.Driver))
	cannot := func(address string, why ...string) []string {
		return append([]string{address, "cannot be used"}, why...)
	}
	for i, x := range []struct {
		name, cluster, wrong string
		env                  []string
		says                 []string
	}{
		{"nobody there", nobody, "", nil, cannot(nobody, "connection refused")},
		{"its gossip", plain.gossip, "", nil, cannot(plain.gossip, "executor's calls, and not of its gossip?")},
		{"a web server", web.Listener.Addr().String(), "", nil, cannot(web.Listener.Addr().String(), "executor's calls")},
		{"a web server, with certificates", web.Listener.Addr().String(), "", driver, cannot(web.Listener.Addr().String(), "does not speak TLS", "something else listens there")},
		{"no certificates", secured.calls, "", nil, cannot(secured.calls, "--ca, --cert, --key, --secret")},
		{"certificates, but the executor has none", plain.calls, "", driver, cannot(plain.calls, "does not speak TLS", "started without certificates")},
		{"another CA", secured.calls, "", identified(foreign.of("dr", identity.Driver)), cannot(secured.calls, `"ex-9" is of another CA`)},
		{"a viewer's certificate", secured.calls, "", identified(withSecret(t, c, c.of("vi", identity.Viewer))), cannot(secured.calls, "vi (viewer)", "needs the role driver")},
		{"an expired certificate of the executor", old, "", driver, cannot(old, `"ex-8" expired at `+stamp(expired), "the clock here says "+stamp(time.Now())[:10])},
		{"another version of the engine", strange(t, "9"), "", nil, []string{"ex-7", "cannot be used", "version 9 of the engine", "install the same one"}},
		{"an address where it is not", "127.0.0.1" + dead.calls[strings.LastIndex(dead.calls, ":"):], "", nil, cannot("ex-2", "127.0.0.77:")},
		{"little memory", small.calls, "", nil, cannot("ex-3", "64 MiB", "--memory")},
		{"a panic in the worker", plain.calls, "panic", nil, cannot("ex-1", "no licence on this machine")},
		{"a worker that never listens", plain.calls, "silent", nil, cannot("ex-1", "did not say within 30s that it is ready")},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, fmt.Sprintf("ads-%d", i), endless)
			d := p.driver(t, x.cluster, x.wrong, x.env...)
			d.says(x.says...)
			d.stops()
		})
	}
}

// withSecret gives a member that does not gossip the secret nevertheless.
func withSecret(t *testing.T, c *certs, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "cluster.secret"))
	if err == nil {
		err = os.WriteFile(files(dir)["secret"], text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestDriverEnds runs the job with what makes no sense to wait for.
func TestDriverEnds(t *testing.T) {
	c := newCerts(t)
	e := start(t, "ex-1")
	_, expired := past()
	from, until := future()
	dir := c.of("dr", identity.Driver)
	for _, x := range []struct {
		name, cluster, wrong string
		env                  []string
		says                 []string
	}{
		{"no address", "here", "", nil, []string{`"here" is no host:port`}},
		{"half a certificate", e.calls, "", []string{"TIDEMILL_CLUSTER_CERT=" + files(dir)["cert"]}, []string{"CA certificate and key not given"}},
		{"an expired certificate", e.calls, "", identified(c.at(time.Now().Add(-48*time.Hour), expired, "old", identity.Driver)), []string{`"old" expired at ` + stamp(expired), "the clock here says"}},
		{"a certificate of tomorrow", e.calls, "", identified(c.at(from, until, "new", identity.Driver)), []string{`"new" is not valid yet`, stamp(from), "the clock here says"}},
		{"another graph in the worker", e.calls, "graph", nil, []string{"executor ex-1", "the worker's graph differs from the driver's", "build must depend on nothing but its parameters"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := newPlace(t, "ads", endless).driver(t, x.cluster, x.wrong, x.env...)
			d.says(x.says...)
			d.ends(1)
		})
	}
}

// TestNameTwice gives the driver two executors of one name, which do not know each other: it uses one and says so.
func TestNameTwice(t *testing.T) {
	a, b := start(t, "ex-1"), start(t, "ex-1", "--listen", "127.0.0.2:0", "--gossip", "127.0.0.2:0")
	p := newPlace(t, "ads", 400_000)
	d := p.driver(t, a.calls+","+b.calls, "")
	d.says("has the name ex-1 too", "--name")
	d.ends(0)
	p.exact(t)
}

// TestAlteredOnTheWay hands the binary over through a proxy that flips a bit of it: it is refused, and taken when it comes whole.
func TestAlteredOnTheWay(t *testing.T) {
	e := start(t, "ex-1")
	c, err := node.Dial(flipping(t, e.calls), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := fleet.ReadBinary(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Give(t.Context(), c, "ads", nil); !errors.Is(err, node.ErrAltered) || !strings.Contains(err.Error(), b.SHA256[:12]) {
		t.Error(err)
	}
	if err := b.Give(t.Context(), c, "ads", nil); err != nil {
		t.Error(err)
	}
}

// TestAlteredOnDisk flips a bit of the binary in the executor's folder.
func TestAlteredOnDisk(t *testing.T) {
	e := start(t, "ex-1")
	p := newPlace(t, "ads", 50_000)
	p.driver(t, e.calls, "").ends(0)
	p.exact(t)
	flipFile(t, filepath.Join(e.dir, "bin"))
	p = newPlace(t, "ads", 50_000)
	d := p.driver(t, e.calls, "")
	d.says("executor ex-1", "cannot be used", "altered")
	d.ends(0)
	p.exact(t)
}

// flipFile changes a byte in the middle of the largest file of a folder.
func flipFile(t *testing.T, dir string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	size := func(path string) int64 {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return st.Size()
	}
	largest := slices.MaxFunc(paths, func(a, b string) int { return int(size(a) - size(b)) })
	if err := os.Chmod(largest, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(largest, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, at := []byte{0}, size(largest)/2
	if _, err := f.ReadAt(b, at); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 1
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatal(err)
	}
}

// flipping is the address of a proxy that flips a bit of the fourth MiB that somebody sends through it, once.
func flipping(t *testing.T, to string) string {
	var once sync.Once
	return proxy(t, func(from, onto net.Conn) {
		buf, sent := make([]byte, 64<<10), 0
		for {
			n, err := from.Read(buf)
			if sent+n > 4<<20 {
				once.Do(func() { buf[n/2] ^= 1 })
			}
			sent += n
			if _, failed := onto.Write(buf[:n]); failed != nil || err != nil {
				return
			}
		}
	}, to)
}

// proxy passes what comes back on as it is.
func proxy(t *testing.T, forth func(from, to net.Conn), to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			t.Cleanup(func() { in.Close(); out.Close() })
			all.Go(func() { forth(in, out); out.Close() })
			all.Go(func() { io.Copy(in, out); in.Close() })
		}
	})
	return l.Addr().String()
}

// impostor is a server of TLS with a member's certificate, whatever that is worth.
func impostor(t *testing.T, dir string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files(dir)["cert"], files(dir)["key"])
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				io.Copy(io.Discard, c)
			})
		}
	})
	return l.Addr().String()
}
