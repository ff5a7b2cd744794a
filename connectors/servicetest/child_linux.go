package servicetest

import "syscall"

// loopback is whether every address in 127.0.0.0/8 is this machine's without anybody configuring it.
const loopback = true

// attributes make a child die with its parent, however that ends, and keep the terminal's Ctrl-C from it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
