package crashfs

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// block is the unit that a power cut keeps or loses. Disks have 512 bytes; less
// tears even small records.
const block = 16

// node is a file or a folder.
type node struct {
	folder bool
	live   []byte       // what readers see
	synced []byte       // what a power cut leaves for certain
	given  map[int]bool // blocks whose sync failed: the next one skips them
	dirty  []int        // blocks written since the last sync
	shrunk bool         // since the last sync, which then looks at all blocks
}

func (n *node) writeAt(p []byte, off int64) {
	if grow := off + int64(len(p)) - int64(len(n.live)); grow > 0 {
		n.live = append(n.live, make([]byte, grow)...)
	}
	copy(n.live[off:], p)
	for b := off / block; b*block < off+int64(len(p)); b++ {
		delete(n.given, int(b))
		n.dirty = append(n.dirty, int(b))
	}
}

func (n *node) resize(size int64) {
	if size <= int64(len(n.live)) {
		n.live, n.shrunk = n.live[:size:size], true
		return
	}
	n.live = append(n.live, make([]byte, size-int64(len(n.live)))...)
}

// mix returns synced with those blocks of live that take says.
func (n *node) mix(size int, take func(b int) bool) []byte {
	out := make([]byte, size)
	copy(out, n.synced)
	for b := 0; b*block < size; b++ {
		lo, hi := b*block, min((b+1)*block, size, len(n.live))
		if lo < hi && !bytes.Equal(out[lo:hi], n.live[lo:hi]) && take(b) {
			copy(out[lo:hi], n.live[lo:hi])
		}
	}
	return out
}

func (n *node) sync() {
	if n.shrunk {
		n.synced = n.mix(len(n.live), func(b int) bool { return !n.given[b] })
	} else {
		n.synced = append(n.synced, make([]byte, len(n.live)-len(n.synced))...)
		for _, b := range n.dirty {
			if hi := min((b+1)*block, len(n.live)); !n.given[b] {
				copy(n.synced[b*block:hi], n.live[b*block:hi])
			}
		}
	}
	n.dirty, n.shrunk = n.dirty[:0], false
}

// failSync gives up all blocks that are not synced.
func (n *node) failSync() {
	n.mix(len(n.live), func(b int) bool {
		if n.given == nil {
			n.given = map[int]bool{}
		}
		n.given[b] = true
		return false
	})
	n.dirty = n.dirty[:0]
}

// cut returns what a power cut may leave.
func (n *node) cut(r *rand.Rand, keep float64) *node {
	size := len(n.synced)
	if len(n.live) != size && r.Float64() < keep {
		size = len(n.live)
	}
	b := n.mix(size, func(b int) bool { return !n.given[b] && r.Float64() < keep })
	return &node{folder: n.folder, live: b, synced: bytes.Clone(b)}
}

func (n *node) clone() *node {
	return &node{folder: n.folder, live: bytes.Clone(n.live), synced: bytes.Clone(n.synced), given: maps.Clone(n.given),
		dirty: slices.Clone(n.dirty), shrunk: n.shrunk}
}
