package files

import (
	"io/fs"
	"syscall"
)

// changed is when a file got its name or other attributes, ns since 1970.
func changed(st fs.FileInfo) int64 {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return sys.Ctim.Nano()
	}
	return 0
}
