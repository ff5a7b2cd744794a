//go:build !linux

package supervise

import "syscall"

// childAttr has no signal of parent's death, which only Linux knows.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
