//go:build !linux

package rig

import "syscall"

// dieWithUs has nothing to ask of the system: Close kills what was started.
func dieWithUs() *syscall.SysProcAttr { return nil }
