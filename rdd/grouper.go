package rdd

import (
	"reflect"
	"unsafe"
)

// Grouper numbers the distinct keys that it is shown: 0, 1, 2 … in order of first sight. It knows keys and hashing and nothing
// of what is aggregated; accumulators stand in flat slices indexed by its ids.
//
// An open-addressing table over flat keys: a slot holds 32 bits of hash beside the id, so that a probe touches a key only
// where it very likely is the one. Reading methods (Len, Keys, Find) may be called by several goroutines as long as none
// calls IDs.
type Grouper[K comparable] struct {
	keys   []K
	slots  []slot
	hashes []uint64 // of the chunk at hand
	known  []uint64 // of keys, to grow the table without hashing again
	hash   hashing
	places *places // of keys
	arena  []byte  // room for the text of keys to come
	one    bool    // K has but one value, as None
}

type slot struct {
	tag uint32
	id  int32 // +1; 0 = free
}

// NewGrouper returns an empty grouper.
func NewGrouper[K comparable]() *Grouper[K] {
	return &Grouper[K]{hash: hashingOf[K](), places: placesOf[K](), one: reflect.TypeFor[K]().Size() == 0}
}

// Len is the number of distinct keys seen.
func (g *Grouper[K]) Len() int { return len(g.keys) }

// Keys are the distinct keys in order of their ids. They are the grouper's own: read only.
func (g *Grouper[K]) Keys() []K { return g.keys }

// IDs sets ids, which must be as long as keys, to the id of each key. keys may be nil if K is None: it then stands for None,
// len(ids) times.
func (g *Grouper[K]) IDs(keys []K, ids []int32) {
	if g.one {
		if len(g.keys) == 0 && len(ids) > 0 {
			g.keys = make([]K, 1)
		}
		clear(ids)
		return
	}
	if g.slots == nil {
		g.slots = make([]slot, 64)
	}
	g.hashes = Sized(g.hashes, len(keys))
	hashAll(g.hash, keys, g.hashes)
	for i, h := range g.hashes {
		id, at := g.probe(h, &keys[i])
		if id < 0 {
			id = g.insert(at, keys[i], h)
		}
		ids[i] = id
	}
}

// probe returns the id of a key, or -1 and the slot where it belongs.
func (g *Grouper[K]) probe(h uint64, key *K) (id int32, at uint64) {
	mask, tag := uint64(len(g.slots)-1), uint32(h>>32)
	for at = h & mask; ; at = (at + 1) & mask {
		s := g.slots[at]
		if s.id == 0 {
			return -1, at
		}
		if s.tag == tag && g.keys[s.id-1] == *key {
			return s.id - 1, at
		}
	}
}

// Find returns the id of a key that has one.
func (g *Grouper[K]) Find(key K) (int32, bool) {
	if g.one {
		return 0, len(g.keys) == 1
	}
	if g.slots == nil {
		return 0, false
	}
	id, _ := g.probe(hashOf(g.hash, key), &key)
	return max(id, 0), id >= 0
}

func (g *Grouper[K]) insert(at uint64, key K, h uint64) int32 {
	g.keys, g.known = append(g.keys, key), append(g.known, h)
	if len(g.places.texts) > 0 {
		g.own(&g.keys[len(g.keys)-1])
	}
	id := int32(len(g.keys))
	g.slots[at] = slot{uint32(h >> 32), id}
	if len(g.keys)*2 > len(g.slots) {
		g.grow()
	}
	return id - 1
}

// own moves the text of a key, which outlives the fetch buffer that it points into, to the arena.
func (g *Grouper[K]) own(key *K) {
	need := int(g.places.bytes(unsafe.Pointer(key), 1))
	if need > len(g.arena) {
		// Pieces grow with the table: few keys pin little, many allocate seldom.
		g.arena = make([]byte, max(need, min(64*len(g.keys), 1<<16)))
	}
	end := g.places.move(unsafe.Pointer(key), 1, g.arena)
	g.arena = g.arena[end:]
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
