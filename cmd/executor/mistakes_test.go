package main

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
)

// past and future are times of certificates.
func past() (from, to time.Time) {
	return time.Now().Add(-48 * time.Hour), time.Now().Add(-24 * time.Hour)
}
func future() (from, to time.Time) {
	return time.Now().Add(3 * time.Hour), time.Now().Add(48 * time.Hour)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// TestRefused starts executors with what people get wrong. Each ends by itself, and its only line helps.
func TestRefused(t *testing.T) {
	c, foreign := newCerts(t), newCerts(t)
	first := start(t, "ex-1")
	secured := start(t, "ex-9", shown(c.of("ex-9", identity.Executor))...)
	_, expired := past()
	from, _ := future()
	open := []string{"there are no certificates", "listen on 127.0.0.1", "driver certs init"}
	member := c.of("ex-2", identity.Executor)
	for _, x := range []struct {
		name  string
		flags []string
		says  []string
	}{
		{"every interface", []string{"--listen", "0.0.0.0:0", "--advertise", "10.0.0.1"}, append(open, `"0.0.0.0:0"`, "every interface")},
		{"every interface, IPv6", []string{"--listen", "[::]:0", "--advertise", "10.0.0.1"}, append(open, `"[::]:0"`)},
		{"another interface", []string{"--listen", "10.0.0.1:0"}, append(open, "10.0.0.1 can be reached from other machines")},
		{"gossip on another interface", []string{"--gossip", "10.0.0.1:0"}, append(open, `"10.0.0.1:0"`)},
		{"every interface without a name for it", []string{"--listen", "0.0.0.0:0"}, []string{"--advertise"}},
		{"certificate without secret", append(shown(member, map[string]string{"secret": ""}), "--listen", "0.0.0.0:0", "--advertise", "10.0.0.1"), []string{"there is no cluster secret", "cluster.secret"}},
		{"expired certificate", shown(c.at(time.Now().Add(-48*time.Hour), expired, "old", identity.Executor)),
			[]string{`"old" expired at ` + stamp(expired), "the clock here says " + stamp(time.Now())[:13], "driver certs rotate"}},
		{"certificate of tomorrow", shown(c.at(from, from.Add(time.Hour), "new", identity.Executor)),
			[]string{`"new" is not valid yet`, stamp(from), "the clock here says " + stamp(time.Now())[:13], "set them by NTP"}},
		{"certificate of another CA", shown(member, map[string]string{"ca": filepath.Join(foreign.dir, "ca.crt")}), []string{`"ex-2" is of another CA`, "driver certs init"}},
		{"key of another certificate", shown(member, map[string]string{"key": filepath.Join(c.of("ex-3", identity.Executor), "node.key")}), []string{"node.key"}},
		{"driver's certificate", shown(c.of("dr", identity.Driver)), []string{"dr (driver)", "an executor needs the role executor", "driver certs issue --role"}},
		{"another secret", append(shown(member, map[string]string{"secret": filepath.Join(foreign.dir, "cluster.secret")}), "--join", secured.gossip),
			[]string{secured.gossip, "does not let this node in", "same cluster secret"}},
		{"no secret among those who have one", []string{"--join", secured.gossip}, []string{secured.gossip, "same cluster secret"}},
		{"calls taken for gossip", []string{"--join", first.calls}, []string{first.calls, "a gossip address?"}},
		{"little memory", []string{"--memory", "32MiB"}, []string{"memory: 32", "64"}},
		{"a name twice", []string{"--name", "ex-1", "--join", first.gossip}, []string{"executor ex-1: ", first.calls, "--name"}},
		{"a folder twice", []string{"--dir", first.dir}, []string{first.dir, "--dir"}},
		{"a port twice", []string{"--listen", first.calls}, []string{first.calls, "--listen"}},
		{"a gossip port twice", []string{"--gossip", first.gossip}, []string{first.gossip, "--gossip"}},
		{"an address where it is not", []string{"--advertise", "127.0.0.77", "--join", first.gossip}, []string{"127.0.0.77:", "ex-1", "--advertise"}},
		{"an address of nobody", []string{"--listen", "192.0.2.1:0", "--insecure"}, []string{"192.0.2.1:0", "--listen"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := launch(t, "ex-2", x.flags...)
			p.ends(1)
			if text := p.String(); !hasAll(text, x.says) {
				t.Errorf("it does not say %q", x.says)
			} else if n := strings.Count(text, "\n"); n > 2 {
				t.Errorf("it says %d lines", n)
			}
		})
	}
}

// TestSurvived starts executors that can do without what is wrong, and say what it is.
func TestSurvived(t *testing.T) {
	nobody := closedPort(t)
	e := start(t, "ex-1", "--join", nobody)
	e.says("no other member answers", nobody)
	e.says("1 executor in the cluster")
	open := start(t, "ex-2", "--insecure")
	open.says("NOT SECURED", "--insecure")
	// A second one of a name that finds out only later: the first one says so, and goes on.
	first := start(t, "twin")
	second := start(t, "twin", "--listen", "127.0.0.2:0", "--gossip", "127.0.0.2:0")
	start(t, "ex-3", "--join", first.gossip+","+second.gossip)
	first.says("another executor at "+second.calls+" is called twin too", first.calls, "--name")
}

// TestStrangers knocks at a secured executor, which says whom it has refused and why; one line a second.
func TestStrangers(t *testing.T) {
	c, foreign := newCerts(t), newCerts(t)
	_, expired := past()
	from, until := future()
	for _, x := range []struct {
		name, dir string
		says      []string
	}{
		{"expired", c.at(time.Now().Add(-48*time.Hour), expired, "old", identity.Driver), []string{"old", "expired at " + stamp(expired), "the clock here says " + stamp(time.Now())[:10]}},
		{"of tomorrow", c.at(from, until, "new", identity.Driver), []string{"new", "is not valid yet", stamp(from), "the clock here says " + stamp(time.Now())[:10], "NTP"}},
		{"of another CA", foreign.of("dr", identity.Driver), []string{"dr", "is of another CA"}},
		{"nobody", "", []string{"no certificate was shown"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			e := start(t, "ex-1", shown(c.of("ex-"+strings.ReplaceAll(x.name, " ", "-"), identity.Executor))...)
			config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
			if x.dir != "" {
				pair, err := tls.LoadX509KeyPair(files(x.dir)["cert"], files(x.dir)["key"])
				if err != nil {
					t.Fatal(err)
				}
				config.Certificates = []tls.Certificate{pair}
			}
			conn, err := tls.Dial("tcp", e.calls, config)
			if err == nil {
				conn.SetReadDeadline(time.Now().Add(bound))
				_, err = conn.Read(make([]byte, 1))
				conn.Close()
			}
			if err == nil {
				t.Error("it was let in")
			}
			e.says(append([]string{"a peer was refused"}, x.says...)...)
		})
	}
}

// closedPort is an address that nobody listens at.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestDiskFull starts executors on a disk that has no room for a binary, or for a worker.
func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounts a disk, which only root may")
	}
	dir := smallDisk(t, 40<<20)
	e := start(t, "ex-1", "--dir", dir)
	d := newPlace(t, "ads", endless).driver(t, e.calls, "")
	d.says("executor ex-1 ("+e.calls+") cannot be used", "free disk in "+dir, "needs")
	d.stops()
}
