package servicetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	subnets = 256  // 127.77.0.0/24 … 127.77.255.0/24
	guarded = 9041 // the port of x.y.z.254 that is held as long as a subnet is
)

// subnet is a range of loopback addresses that one cluster of one process holds, with a folder for its data.
//
// Two locks guard it. A listening socket keeps every other program of the machine away from the addresses. A file lock guards
// the folder; the nodes inherit it, so that it is free only when the last of them has let go of the addresses and of the data,
// which takes a JVM a second or two after its SIGKILL.
type subnet struct {
	prefix string // of the addresses, "127.77.3"
	folder string
	lock   *os.File
	guard  net.Listener
}

// claim takes a subnet that nobody holds. It removes the data of holders that were killed.
func claim() (*subnet, error) {
	root := filepath.Join(os.TempDir(), fmt.Sprintf("tidemill-servicetest-%d", os.Getuid()))
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("claim addresses: %w", err)
	}
	sweep(root)
	first := rand.IntN(subnets)
	for i := range subnets {
		number := strconv.Itoa((first + i) % subnets)
		s := &subnet{prefix: "127.77." + number, folder: filepath.Join(root, number)}
		free, err := s.take()
		if err != nil {
			return nil, fmt.Errorf("claim addresses %s.0/24: %w", s.prefix, err)
		}
		if free {
			return s, nil
		}
	}
	return nil, errors.New("claim addresses: all of 127.77.0.0/16 are held; end some of the programs that run clusters")
}

func (s *subnet) take() (bool, error) {
	lock, err := tryLock(s.folder + ".lock")
	if lock == nil {
		return false, err
	}
	guard, err := net.Listen("tcp4", fmt.Sprintf("%s.254:%d", s.prefix, guarded))
	if err != nil {
		return false, lock.Close() // somebody else's, who has another folder
	}
	s.lock, s.guard = lock, guard
	if err := errors.Join(os.RemoveAll(s.folder), os.MkdirAll(s.folder, 0o700)); err != nil {
		return false, errors.Join(err, s.release())
	}
	return true, nil
}

// release gives the addresses back and removes the folder.
func (s *subnet) release() error {
	return errors.Join(os.RemoveAll(s.folder), s.guard.Close(), s.lock.Close())
}

// host is the address of node i, counted from 0.
func (s *subnet) host(i int) string { return fmt.Sprintf("%s.%d", s.prefix, i+1) }

// port returns a port that is free at the first n hosts, want if it can be. A server that listens at the wildcard address has
// its port at every address, and developers' machines run Kafka and Cassandra.
func (s *subnet) port(want, n int) (int, error) {
	for p := want; p < 32768; p += 10000 { // below the range that outgoing connections take theirs from
		if s.free(p, n) {
			return p, nil
		}
	}
	return 0, fmt.Errorf("ports %d, %d and %d are taken", want, want+10000, want+20000)
}

func (s *subnet) free(port, n int) bool {
	for i := range n {
		l, err := net.Listen("tcp4", net.JoinHostPort(s.host(i), strconv.Itoa(port)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

// sweep removes the folders that no lock guards any more. What it cannot remove is not in its way.
func sweep(root string) {
	folders, _ := filepath.Glob(filepath.Join(root, "*[0-9]"))
	for _, f := range folders {
		if lock, err := tryLock(f + ".lock"); err == nil && lock != nil {
			os.RemoveAll(f)
			lock.Close()
		}
	}
}

// tryLock locks a file, which it makes if need be; nil if somebody else holds it. Lock files are never removed: whoever opened
// one just before would lock a file that nobody sees.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, f.Close()
	}
	return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
}
