package node

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownPath is how a process that is about to be executed finds its binary: the descriptor it was given, whatever the disk says.
const ownPath = "/proc/self/fd/5"

// shutIn keeps what this thread starts from ever gaining rights, by setuid programs or file capabilities. The thread must not run
// anything else afterwards.
func shutIn() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
	}
	return nil
}

// cage makes the process the first of a group of its own, which dies with the thread that starts it and so with the daemon.
func cage(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// limits bound a process. 0 is no bound.
type limits struct{ files, fileSize int64 }

// bound sets the limits of a process that runs; it is done before the process is told anything. A limit beyond what the daemon itself
// may have is lowered to that.
func (l limits) bound(pid int) error {
	set := func(what string, resource int, value uint64) error {
		var own unix.Rlimit
		if err := unix.Prlimit(0, resource, nil, &own); err != nil {
			return fmt.Errorf("read the limit of %s: %w", what, err)
		}
		value = min(value, own.Max)
		if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: value, Max: value}, nil); err != nil {
			return fmt.Errorf("set the limit of %s: %w", what, err)
		}
		return nil
	}
	if err := set("core files", unix.RLIMIT_CORE, 0); err != nil {
		return err
	}
	if l.files > 0 {
		if err := set("open files", unix.RLIMIT_NOFILE, uint64(l.files)); err != nil {
			return err
		}
	}
	if l.fileSize > 0 {
		if err := set("file size", unix.RLIMIT_FSIZE, uint64(l.fileSize)); err != nil {
			return err
		}
	}
	// The kernel counts processes by user, all of the user's: the bound stops a fork bomb and no more.
	if os.Getuid() != 0 {
		if err := set("processes", unix.RLIMIT_NPROC, 16384); err != nil {
			return err
		}
	}
	// If memory runs out after all, jobs go first, not the daemon or the database beside it.
	return os.WriteFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", []byte("500"), 0)
}
