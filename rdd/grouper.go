package rdd

import (
	"hash/maphash"
	"reflect"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// Grouper numbers the distinct keys that it is shown: 0, 1, 2 … in order of first sight. It knows keys and hashing and nothing
// of what is aggregated; accumulators stand in flat slices indexed by its ids.
//
// An open-addressing table over flat keys: a slot holds 32 bits of hash beside the id, so that a probe touches a key only
// where it very likely is the one.
type Grouper[K comparable] struct {
	keys   []K
	slots  []slot
	hashes []uint64 // of the chunk at hand
	known  []uint64 // of keys, to grow the table without hashing again
	hash   func(keys []K, out []uint64)
}

type slot struct {
	tag uint32
	id  int32 // +1; 0 = free
}

// NewGrouper returns an empty grouper.
func NewGrouper[K comparable]() *Grouper[K] {
	return &Grouper[K]{slots: make([]slot, 64), hash: hasher[K]()}
}

// Len is the number of distinct keys seen.
func (g *Grouper[K]) Len() int { return len(g.keys) }

// Keys are the distinct keys in order of their ids. They are the grouper's own: read only.
func (g *Grouper[K]) Keys() []K { return g.keys }

// IDs appends nothing and fills ids, which must be as long as keys, with the id of each key. keys == nil stands for one and
// the same key (None), n times.
func (g *Grouper[K]) IDs(keys []K, ids []int32) {
	if keys == nil {
		if len(g.keys) == 0 && len(ids) > 0 {
			var none K
			g.keys = append(g.keys, none)
		}
		clear(ids)
		return
	}
	g.hashes = Sized(g.hashes, len(keys))
	g.hash(keys, g.hashes)
	mask := uint64(len(g.slots) - 1)
	for i, h := range g.hashes {
		at, tag := h&mask, uint32(h>>32)
		for {
			s := g.slots[at]
			if s.id == 0 {
				ids[i] = g.insert(at, keys[i], h)
				mask = uint64(len(g.slots) - 1)
				break
			}
			if s.tag == tag && g.keys[s.id-1] == keys[i] {
				ids[i] = s.id - 1
				break
			}
			at = (at + 1) & mask
		}
	}
}

// Find returns the id of a key that has one.
func (g *Grouper[K]) Find(key K) (int32, bool) {
	var h [1]uint64
	g.hash([]K{key}, h[:])
	mask := uint64(len(g.slots) - 1)
	for at := h[0] & mask; ; at = (at + 1) & mask {
		s := g.slots[at]
		if s.id == 0 {
			return 0, false
		}
		if s.tag == uint32(h[0]>>32) && g.keys[s.id-1] == key {
			return s.id - 1, true
		}
	}
}

func (g *Grouper[K]) insert(at uint64, key K, h uint64) int32 {
	one := []K{key}
	compact(one) // a key outlives the fetch buffer that its text points into
	g.keys, g.known = append(g.keys, one[0]), append(g.known, h)
	id := int32(len(g.keys))
	g.slots[at] = slot{uint32(h >> 32), id}
	if len(g.keys)*2 > len(g.slots) {
		g.grow()
	}
	return id - 1
}

func (g *Grouper[K]) grow() {
	g.slots = make([]slot, len(g.slots)*4)
	mask := uint64(len(g.slots) - 1)
	for i, h := range g.known {
		at := h & mask
		for g.slots[at].id != 0 {
			at = (at + 1) & mask
		}
		g.slots[at] = slot{uint32(h >> 32), int32(i + 1)}
	}
}

// seed differs between processes, which is well as long as no hash leaves this one.
var seed = maphash.MakeSeed()

// hasher returns the fastest hash for K's type.
func hasher[K comparable]() func([]K, []uint64) {
	t := reflect.TypeFor[K]()
	switch {
	case t.Kind() == reflect.String:
		return func(keys []K, out []uint64) {
			for i := range keys {
				out[i] = xxh3.HashString(*(*string)(unsafe.Pointer(&keys[i])))
			}
		}
	case t.Kind() == reflect.Int64 || t.Kind() == reflect.Uint64 || t.Kind() == reflect.Int || t.Kind() == reflect.Uint:
		return func(keys []K, out []uint64) {
			for i := range keys {
				out[i] = mix(*(*uint64)(unsafe.Pointer(&keys[i])))
			}
		}
	}
	return func(keys []K, out []uint64) {
		for i := range keys {
			out[i] = maphash.Comparable(seed, keys[i])
		}
	}
}

// mix is the finaliser of MurmurHash3 (Appleby, 64 bits): every bit of x reaches every bit of the result.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
