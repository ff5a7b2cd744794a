package servicetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a program that this process started and waits for. It does not outlive this process: see attributes.
type child struct {
	proc *os.Process
	done chan struct{} // closed when it has ended
	err  error         // how it ended; set before done is closed
}

// spawn starts a command. The kernel ties a child's death signal to the thread that started it, not to the whole parent, so a
// goroutine keeps this thread to itself until the child has ended.
func spawn(cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = attributes()
	c := &child{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		c.proc = cmd.Process
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	return c, <-started
}

// signal sends one to a child; one that has ended is left alone, also when its id is somebody else's by now.
func (c *child) signal(s syscall.Signal) error {
	if err := c.proc.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// gone waits for a child's end. One that takes longer than limit is killed.
func (c *child) gone(limit time.Duration) error {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-c.done:
		return nil
	case <-late.C:
	}
	err := c.signal(syscall.SIGKILL)
	<-c.done
	return errors.Join(fmt.Errorf("it still ran after %v and was killed", limit), err)
}

func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// how says how a child ended: "exit status 1", "signal: killed".
func (c *child) how() string {
	if c.err == nil {
		return "exit status 0"
	}
	return c.err.Error()
}
