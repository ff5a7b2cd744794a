package servicetest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

func claimed(t *testing.T) *subnet {
	t.Helper()
	s, err := claim()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSubnetsDiffer(t *testing.T) {
	a := claimed(t)
	defer a.release()
	if free, err := (&subnet{prefix: a.prefix, folder: a.folder}).take(); free || err != nil {
		t.Errorf("it is given to a second one: %v", err)
	}
	// Another user's folder has other locks.
	if free, err := (&subnet{prefix: a.prefix, folder: filepath.Join(t.TempDir(), "0")}).take(); free || err != nil {
		t.Errorf("it is given to another user: %v", err)
	}
}

func TestSubnetIsHeldByNodes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s := claimed(t)
	cmd := exec.Command("sleep", "300")
	cmd.ExtraFiles = []*os.File{s.lock}
	c, err := spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.release(); err != nil {
		t.Fatal(err)
	}
	if lock, err := tryLock(s.folder + ".lock"); lock != nil || err != nil {
		t.Errorf("the subnet is free while a node lives: %v", err)
	}
	if err := c.signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.done
	lock, err := tryLock(s.folder + ".lock")
	if lock == nil {
		t.Fatalf("the subnet is not free after the last node's end: %v", err)
	}
	lock.Close()
}

// What the dead left behind is removed, what the living have is not.
func TestSweep(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a := claimed(t)
	defer a.release()
	dead := filepath.Join(filepath.Dir(a.folder), "999")
	if err := os.MkdirAll(filepath.Join(dead, "node-0", "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	b := claimed(t)
	defer b.release()
	if _, err := os.Stat(dead); err == nil {
		t.Error("the folder of a dead one is still there")
	}
	if _, err := os.Stat(a.folder); err != nil {
		t.Error(err)
	}
}

func TestPort(t *testing.T) {
	s := claimed(t)
	defer s.release()
	usual, err := s.port(9042, 3)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", net.JoinHostPort(s.host(2), strconv.Itoa(usual)))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if p, err := s.port(usual, 3); p < usual+10000 || err != nil {
		t.Errorf("with the port taken at the third address: %d, %v", p, err)
	}
	if p, err := s.port(usual, 2); p != usual || err != nil {
		t.Errorf("at the first two: %d, %v", p, err)
	}
	if _, err := s.port(40000, 1); err == nil {
		t.Error("a port of outgoing connections was given")
	}
}
