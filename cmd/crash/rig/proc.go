package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Proc is a process that was started here.
type Proc struct {
	Name string
	Log  string // the file that it prints to
	cmd  *exec.Cmd
	id   Pid
	done chan struct{} // closed by the goroutine that waits for it
	err  error         // how it ended; read after done
}

// start starts a command at a node. The goroutine that waits for it ends with it.
func start(g Ground, node int, name, log string, cmd *exec.Cmd) (*Proc, error) {
	f, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer f.Close() // the process has its own
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = f, f, dieWithUs()
	if err := g.Enter(node, cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Proc{Name: name, Log: log, cmd: cmd, done: make(chan struct{})}
	p.id, _ = look(cmd.Process.Pid)
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// ID is its pid.
func (p *Proc) ID() Pid { return p.id }

// Ended tells whether it has ended, and how: nil is exit status 0.
func (p *Proc) Ended() (ended bool, how error) {
	select {
	case <-p.done:
		return true, p.err
	default:
		return false, nil
	}
}

// Wait waits until it has ended, at most for a time.
func (p *Proc) Wait(most time.Duration) (ended bool, how error) {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-p.done:
		return true, p.err
	case <-t.C:
		return false, nil
	}
}

// Signal sends a signal, unless it has ended.
func (p *Proc) Signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to %s: %w", s, p.Name, err)
	}
	return nil
}

// Kill kills it and waits. Nothing survives SIGKILL for long, also not what is stopped.
func (p *Proc) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	if ended, _ := p.Wait(10 * time.Second); !ended {
		return fmt.Errorf("%s, pid %d, does not die", p.Name, p.id.Number)
	}
	return nil
}
