//go:build !linux

package servicetest

import "syscall"

// loopback: elsewhere only 127.0.0.1 is there, and a child cannot be made to die with its parent.
const loopback = false

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
