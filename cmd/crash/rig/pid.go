package rig

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Pid is a process, told from others that had or will have its number by when it was born.
type Pid struct {
	Number int
	born   uint64 // ticks since boot
	parent int
}

// ErrGone is returned for a process that has ended.
var ErrGone = errors.New("the process has ended")

// Signal sends a signal to the process if it is still the one that it was.
func (p Pid) Signal(s syscall.Signal) error {
	if !p.Alive() {
		return ErrGone
	}
	if err := syscall.Kill(p.Number, s); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return ErrGone
		}
		return fmt.Errorf("send %v to pid %d: %w", s, p.Number, err)
	}
	return nil
}

// Alive tells whether it runs, or is stopped.
func (p Pid) Alive() bool {
	now, ok := look(p.Number)
	return ok && now.born == p.born
}

// look reads what the system knows of a pid. A zombie, in the kernel's sense, is gone.
func look(number int) (Pid, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(number) + "/stat")
	if err != nil {
		return Pid{}, false
	}
	// The name in parentheses may have anything in it, also parentheses.
	i := strings.LastIndexByte(string(text), ')')
	f := strings.Fields(string(text[i+1:]))
	if i < 0 || len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return Pid{}, false
	}
	parent, err1 := strconv.Atoi(f[1])
	born, err2 := strconv.ParseUint(f[19], 10, 64)
	return Pid{number, born, parent}, err1 == nil && err2 == nil
}

// below lists the descendants of a process, children first.
func below(number int) []Pid {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]Pid{}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if p, ok := look(n); ok {
			children[p.parent] = append(children[p.parent], p)
		}
	}
	var out []Pid
	for todo := []int{number}; len(todo) > 0; todo = todo[1:] {
		for _, c := range children[todo[0]] {
			out = append(out, c)
			todo = append(todo, c.Number)
		}
	}
	return out
}
