package node

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machineMemory is how many bytes this process may use: the machine's, or the container's if that is less.
func machineMemory() int64 {
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) != nil {
		return 4 << 30
	}
	total := int64(si.Totalram) * int64(si.Unit)
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 {
			total = min(total, n)
		}
	}
	return total
}

// freeDisk is how many bytes may be written below a folder.
func freeDisk(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("look for space in %s: %w", dir, err)
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// usedMemory is what a process has allocated, in bytes, without files that it maps: those the kernel can drop.
func usedMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	var sum int64
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) >= 2 && (f[0] == "RssAnon:" || f[0] == "VmSwap:") {
			n, err := strconv.ParseInt(f[1], 10, 64)
			if err != nil {
				return 0, err
			}
			sum += n << 10
		}
	}
	return sum, nil
}

func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// fileMark changes whenever somebody writes to a file.
type fileMark struct {
	inode uint64
	size  int64
	ctime unix.Timespec
	mtime unix.Timespec
}

func markOf(f *os.File) (fileMark, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return fileMark{}, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fileMark{}, errors.New("it is not a regular file")
	}
	return fileMark{st.Ino, st.Size, st.Ctim, st.Mtim}, nil
}
