package servicetest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// node is one JVM with its folder. Its command stays the same from start to start.
type node struct {
	dir  string
	log  string // the file that gets its output, of every start
	java string
	args []string

	mu     sync.Mutex
	child  *child // the last start's; nil before the first
	paused bool
	logs   []int64 // how long the log of every node of the cluster was just before the last start
}

func newNode(dir, java string, args []string) *node {
	return &node{dir: dir, log: filepath.Join(dir, "log"), java: java, args: args}
}

// launch starts the JVM, which keeps lock open as long as it lives; one that ran already is left alone.
func (n *node) launch(lock *os.File, logs []int64) (ran bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running() {
		return true, nil
	}
	out, err := os.OpenFile(n.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return false, err
	}
	defer out.Close()
	cmd := exec.Command(n.java, n.args...)
	cmd.Dir = n.dir
	cmd.Env = append(os.Environ(), "MALLOC_ARENA_MAX=2") // glibc's default is an arena of 64 MiB for nearly every thread
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = []*os.File{lock}
	c, err := spawn(cmd)
	if err == nil {
		n.child, n.paused, n.logs = c, false, logs
	}
	return false, err
}

// end sends a signal that ends the JVM, if it runs.
func (n *node) end(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return nil
	}
	err := n.child.signal(s)
	if n.paused {
		err = errors.Join(err, n.child.signal(syscall.SIGCONT)) // or it would not even notice
	}
	return err
}

func (n *node) pause(paused bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.running() {
		return errors.New("it does not run")
	}
	s := syscall.SIGCONT
	if paused {
		s = syscall.SIGSTOP
	}
	n.paused = paused
	return n.child.signal(s)
}

// running needs the lock.
func (n *node) running() bool { return n.child != nil && !n.child.ended() }

func (n *node) awake() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running() && !n.paused
}

func (n *node) stopped() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.running() && n.paused
}

// current is the last start's JVM, nil before the first.
func (n *node) current() *child {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.child
}

// before is how long the log of node i was just before this one's last start.
func (n *node) before(i int) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.logs[i]
}

// tailOf is the path of a log and its end, for an error.
func tailOf(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return path + ":\n" + tail(b)
}

// tail are the last lines of a text.
func tail(b []byte) string {
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}
