package identity_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

// talk is a stream that lasts.
type talk struct {
	*testing.T
	grpc.ClientStream
}

func open(t *testing.T, c *grpc.ClientConn) talk {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, echo)
	if err != nil {
		t.Fatal(err)
	}
	return talk{t, s}
}

func (s talk) say() {
	s.Helper()
	if err := s.SendMsg(new(emptypb.Empty)); err != nil {
		s.Fatal(err)
	}
	if err := s.RecvMsg(new(emptypb.Empty)); err != nil {
		s.Fatal(err)
	}
}

// deliver copies what the authority holds for a member to its machine, as an administrator does.
func (c *ca) deliver(name, to string) identity.Options {
	c.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		c.Fatal(err)
	}
	for _, f := range []string{"ca.crt", "node.crt", "node.key", "cluster.secret"} {
		b, err := os.ReadFile(filepath.Join(c.dir, "nodes", name, f))
		if err != nil {
			c.Fatal(err)
		}
		put(c.T, filepath.Join(to, f), b)
	}
	return identity.Options{CA: filepath.Join(to, "ca.crt"), Cert: filepath.Join(to, "node.crt"), Key: filepath.Join(to, "node.key"), Secret: filepath.Join(to, "cluster.secret")}
}

// put replaces a file by another one, as atomic copies do.
func put(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path+".tmp", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// Two machines go through a rotation of CA and secret, one always a step behind the other; a stream lives through all of it, and
// new connections succeed both ways after every single copy.
func TestRotationUnderLiveConnections(t *testing.T) {
	c := newCA(t)
	c.issue("ex-1", identity.Executor)
	c.issue("drv", identity.Driver)
	there, here := filepath.Join(t.TempDir(), "ex-1"), filepath.Join(t.TempDir(), "drv")
	ex, drv := load(t, c.deliver("ex-1", there)), load(t, c.deliver("drv", here))
	first, firstKeys := x509of(t, filepath.Join(here, "node.crt")), drv.GossipKeys("ads")
	n, back := serve(t, ex.ServerOptions(methods), nil), serve(t, drv.ServerOptions(methods), nil)
	long := open(t, dial(t, n.addr, drv.DialNamed("ex-1", identity.Executor)))
	long.say()
	check := func(when string) {
		t.Helper()
		long.say()
		if err := call(t, n.addr, about, drv.DialNamed("ex-1", identity.Executor)); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if err := call(t, back.addr, about, ex.DialNamed("drv", identity.Driver)); err != nil {
			t.Fatalf("%s, back: %v", when, err)
		}
		a, b := ex.GossipKeys("ads"), drv.GossipKeys("ads")
		if !knows(a, b[0]) || !knows(b, a[0]) {
			t.Fatalf("%s: one does not understand the other's gossip", when)
		}
		if ex.Problem() != nil || drv.Problem() != nil {
			t.Fatal(when, ex.Problem(), drv.Problem())
		}
	}
	for _, step := range []authority.Step{authority.Add, authority.Use, authority.Drop} {
		if err := c.RotateCA(step); err != nil {
			t.Fatal(err)
		}
		if err := c.RotateSecret(step); err != nil {
			t.Fatal(err)
		}
		c.deliver("ex-1", there)
		check(string(step) + " there")
		c.deliver("drv", here)
		check(string(step) + " here")
	}
	last := x509of(t, filepath.Join(here, "node.crt"))
	if bytes.Equal(first.AuthorityKeyId, last.AuthorityKeyId) || !drv.Expires().Equal(last.NotAfter) {
		t.Error("the certificate is still of the old CA")
	}
	if keys := drv.GossipKeys("ads"); len(keys) != 1 || bytes.Equal(keys[0], firstKeys[0]) {
		t.Error("the secret is still the old one")
	}
}

func knows(keys [][]byte, k []byte) bool {
	for _, x := range keys {
		if bytes.Equal(x, k) {
			return true
		}
	}
	return false
}

// What a new CA was made for: who only knows the old one, or is only known to it, gets nowhere.
func TestDroppedCA(t *testing.T) {
	c := newCA(t)
	c.issue("ex-1", identity.Executor)
	c.issue("thief", identity.Driver)
	stolen := load(t, c.deliver("thief", t.TempDir()))
	there := t.TempDir()
	ex := load(t, c.deliver("ex-1", there))
	n := serve(t, ex.ServerOptions(methods), nil)
	if err := call(t, n.addr, about, stolen.DialOptions()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(c.dir, "nodes", "thief")); err != nil {
		t.Fatal(err)
	}
	for _, step := range []authority.Step{authority.Add, authority.Use, authority.Drop} {
		if err := c.RotateCA(step); err != nil {
			t.Fatal(err)
		}
	}
	c.deliver("ex-1", there)
	before := n.calls.Load()
	if err := call(t, n.addr, about, stolen.DialOptions()); err == nil || n.calls.Load() != before {
		t.Error("the stolen certificate still works")
	}
}

// New files that are wrong, or only half there, leave the old ones in use; they are told of, and taken when they are right.
func TestFilesThatCannotBeUsed(t *testing.T) {
	c := newCA(t)
	var log record
	c.issue("ex-1", identity.Executor)
	dir := t.TempDir()
	o := c.deliver("ex-1", dir)
	o.Log = log.log()
	ex := load(t, o)
	now := time.Now()
	identity.SetClock(ex, func() time.Time { return now })
	n := serve(t, ex.ServerOptions(methods), nil)
	drv := c.load("drv", identity.Driver)
	old := ex.Expires()
	if _, err := c.Renew("ex-1"); err != nil {
		t.Fatal(err)
	}
	renewed, err := os.ReadFile(filepath.Join(c.dir, "nodes", "ex-1", "node.crt"))
	if err != nil {
		t.Fatal(err)
	}
	c.issue("ex-2", identity.Executor)
	other := filepath.Join(c.dir, "nodes", "ex-2")
	for _, k := range []struct {
		name, want string
		do         func()
	}{
		{"a certificate without its key", "is not of certificate", func() { put(t, o.Cert, renewed) }},
		{"half a certificate", "no certificate in it", func() { put(t, o.Cert, renewed[:100]) }},
		{"no certificate", "no such file", func() { _ = os.Remove(o.Cert) }},
		{"another name", "is of ex-2 in cluster ads now, this process is ex-1 in cluster ads: restart it", func() {
			for _, f := range []string{"node.crt", "node.key"} {
				b, err := os.ReadFile(filepath.Join(other, f))
				if err != nil {
					t.Fatal(err)
				}
				put(t, filepath.Join(dir, f), b)
			}
		}},
	} {
		k.do()
		if err := ex.Problem(); !contains(errorText(err), k.want) {
			t.Errorf("%s: %v", k.name, err)
		}
		if !contains(log.String(), "the earlier ones go on", k.want) {
			t.Errorf("%s: %s", k.name, &log)
		}
		if err := call(t, n.addr, about, drv.DialOptions()); err != nil || !ex.Expires().Equal(old) {
			t.Errorf("%s: %v", k.name, err)
		}
	}
	c.deliver("ex-1", dir)
	if err := ex.Problem(); err != nil {
		t.Error(err)
	}
}

// A file that is there too early is tried again although it does not change any more.
func TestNotValidYetLater(t *testing.T) {
	c := newCA(t)
	c.issue("ex-1", identity.Executor)
	dir := t.TempDir()
	ex := load(t, c.deliver("ex-1", dir))
	now := time.Now().Add(-time.Hour)
	identity.SetClock(ex, func() time.Time { return now })
	if _, err := c.Renew("ex-1"); err != nil {
		t.Fatal(err)
	}
	c.deliver("ex-1", dir)
	if err := ex.Problem(); !contains(errorText(err), "is not valid yet") {
		t.Error(err)
	}
	now = now.Add(time.Hour)
	if err := ex.Problem(); err != nil {
		t.Error(err)
	}
}
