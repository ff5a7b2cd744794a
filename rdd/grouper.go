package rdd

import (
	"reflect"
	"slices"
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
	memo   []memo  // of the texts of this call of IDs; nil unless K is a string
	seen   uint32  // see fetch
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
	if g.hash == hashText {
		done := g.byAddress(keys, ids)
		keys, ids = keys[done:], ids[done:]
	}
	hashes := g.hashes[:len(keys)]
	hashAll(g.hash, keys, hashes)
	for from := 0; from < len(keys); from += ahead {
		to := min(from+ahead, len(keys))
		g.fetch(hashes[from:to])
		for i, h := range hashes[from:to] {
			ids[from+i] = g.id(&keys[from+i], h)
		}
	}
}

// A table beyond the processor's caches is waited for at every key, unless several keys wait at once: so the slots of the next few keys
// are looked at together before any of them is used.
const (
	ahead  = 32
	cached = 1 << 15 // slots up to which it does not pay: 256 KiB
)

func (g *Grouper[K]) fetch(hashes []uint64) {
	if len(g.slots) <= cached {
		return
	}
	mask, seen := uint64(len(g.slots)-1), uint32(0)
	for _, h := range hashes {
		seen |= g.slots[h&mask].tag
	}
	g.seen = seen // or the compiler would leave the loads out
}

// ID returns the id of one key.
func (g *Grouper[K]) ID(key K) int32 {
	if g.one {
		g.IDs(nil, make([]int32, 1))
		return 0
	}
	if g.slots == nil {
		g.slots = make([]slot, 64)
	}
	return g.id(&key, hashOf(g.hash, key))
}

// id returns the id of a key, a new one if it has none.
func (g *Grouper[K]) id(key *K, h uint64) int32 {
	id, at := g.probe(h, key)
	if id < 0 {
		id = g.insert(at, *key, h)
	}
	return id
}

// memo is a text that this call of IDs has met: where it lies, and its id.
type memo struct {
	at *byte
	n  int
	id int32
}

const memoBits = 8

// byAddress numbers texts that lie at few addresses, as those that come out of a table, without looking at them. An address stands
// for one text as long as the call lasts and its keys are held. It stops where that does not pay and returns how far it came.
func (g *Grouper[K]) byAddress(keys []K, ids []int32) int {
	if g.memo == nil {
		g.memo = make([]memo, 1<<memoBits)
	}
	defer clear(g.memo) // an address means nothing after the call, and would pin a buffer
	misses := 0
	for i := range keys {
		s := *(*string)(unsafe.Pointer(&keys[i]))
		at := unsafe.StringData(s)
		m := &g.memo[uint64(uintptr(unsafe.Pointer(at)))*0x9e3779b97f4a7c15>>(64-memoBits)] // Fibonacci hashing (Knuth, vol. 3, 6.4)
		if m.at == at && m.n == len(s) && at != nil {
			ids[i] = m.id
			continue
		}
		ids[i] = g.id(&keys[i], hashOf(g.hash, keys[i]))
		*m = memo{at, len(s), ids[i]}
		if misses++; misses > 64+i/4 {
			return i + 1
		}
	}
	return len(keys)
}

// FindAll sets ids, which must be as long as keys, to the id of each key, -1 for one that has none. It changes nothing in g, so that
// several goroutines may call it; hashes is the caller's, as long as keys.
func (g *Grouper[K]) FindAll(keys []K, hashes []uint64, ids []int32) {
	if g.one || g.slots == nil {
		for i := range ids {
			ids[i] = int32(min(len(g.keys), 1)) - 1
		}
		return
	}
	hashAll(g.hash, keys, hashes)
	for i, h := range hashes {
		ids[i], _ = g.probe(h, &keys[i])
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
	if n := len(g.keys); n == cap(g.keys) { // twice as many: append's steps of a quarter copy a large table four times over
		g.keys, g.known = slices.Grow(g.keys, max(n, 32)), slices.Grow(g.known, max(n, 32))
	}
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
