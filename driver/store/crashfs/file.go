package crashfs

import (
	"io"
)

// file is an open node; it stays usable when its name is gone.
type file struct {
	fsys *FS
	name string
	node *node
}

func (h *file) ReadAt(p []byte, off int64) (int, error) {
	h.fsys.mu.Lock()
	defer h.fsys.mu.Unlock()
	if _, err := h.fsys.call("read", h.name); err != nil {
		return 0, err
	}
	if off >= int64(len(h.node.live)) && len(p) > 0 {
		return 0, io.EOF
	}
	n := copy(p, h.node.live[min(off, int64(len(h.node.live))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *file) WriteAt(p []byte, off int64) (int, error) {
	h.fsys.mu.Lock()
	defer h.fsys.mu.Unlock()
	t, err := h.fsys.call("write", h.name)
	if t == ShortWrite {
		n := len(p) / 2
		h.node.writeAt(p[:n], off)
		return n, err
	}
	if err != nil {
		return 0, err
	}
	h.node.writeAt(p, off)
	return len(p), nil
}

func (h *file) Size() (int64, error) {
	h.fsys.mu.Lock()
	defer h.fsys.mu.Unlock()
	if _, err := h.fsys.call("fsize", h.name); err != nil {
		return 0, err
	}
	return int64(len(h.node.live)), nil
}

// allocateMost keeps images small: the step of a real store is megabytes.
const allocateMost = 1 << 10

func (h *file) Allocate(size int64) error {
	h.fsys.mu.Lock()
	defer h.fsys.mu.Unlock()
	if _, err := h.fsys.call("allocate", h.name); err != nil {
		return err
	}
	if n := int64(len(h.node.live)); size > n {
		h.node.resize(min(size, n+allocateMost))
	}
	return nil
}

func (h *file) Truncate(size int64) error {
	h.fsys.mu.Lock()
	defer h.fsys.mu.Unlock()
	if _, err := h.fsys.call("truncate", h.name); err != nil {
		return err
	}
	h.node.resize(size)
	return nil
}

func (h *file) Sync() error {
	h.fsys.mu.Lock()
	defer h.fsys.mu.Unlock()
	t, err := h.fsys.call("sync", h.name)
	if err != nil {
		if t != Crash {
			h.node.failSync()
		}
		return err
	}
	h.node.sync()
	return nil
}

func (h *file) Close() error { return nil }
