package ring

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Token is a place on Cassandra's ring: the whole range of int64 in signed order.
type Token int64

// Constants of MurmurHash3_x64_128 (Austin Appleby, public domain).
const (
	c1 = 0x87c37b91114253d5
	c2 = 0x4cf5ad432745937f
	f1 = 0xff51afd7ed558ccd // of its last mix
	f2 = 0xc4ceb9fe1a85ec53
)

// Murmur3 returns the token that Cassandra's Murmur3Partitioner gives a partition
// key in its serialised form. It is the first word of MurmurHash3_x64_128 with seed
// 0 and two deviations of Cassandra's: the bytes of the tail (len(key) mod 16) are
// sign-extended, since Java's bytes are signed, and the hash math.MinInt64 becomes
// math.MaxInt64. An empty key, which no table can hold, has the lowest token, which
// no other key has. Murmur3 does not allocate or keep key.
func Murmur3(key []byte) Token {
	if len(key) == 0 {
		return math.MinInt64
	}
	var h1, h2 uint64
	rest := key
	for ; len(rest) >= 16; rest = rest[16:] {
		h1 ^= mixK1(binary.LittleEndian.Uint64(rest))
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= mixK2(binary.LittleEndian.Uint64(rest[8:]))
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	if len(rest) > 8 {
		h2 ^= mixK2(tail(rest[8:]))
		rest = rest[:8]
	}
	if len(rest) > 0 {
		h1 ^= mixK1(tail(rest))
	}
	h1 ^= uint64(len(key))
	h2 ^= uint64(len(key))
	h1 += h2
	h2 += h1
	h1 = finish(h1) + finish(h2)
	if h1 == 1<<63 {
		return math.MaxInt64
	}
	return Token(h1)
}

// tail is the exclusive or of 1 to 8 sign-extended bytes, byte i shifted left by 8·i.
// A negative byte sets all bits above it, which under exclusive or inverts them: so
// every byte of the plain little-endian word is inverted once for each negative byte
// below it.
func tail(b []byte) uint64 {
	var w uint64
	if len(b) == 8 {
		w = binary.LittleEndian.Uint64(b)
	} else {
		for i, c := range b {
			w |= uint64(c) << (8 * i)
		}
	}
	odd := w >> 7 & 0x0101010101010101 << 8 // negative bytes below each byte, modulo 2
	odd ^= odd << 8
	odd ^= odd << 16
	odd ^= odd << 32
	return w ^ odd*0xff
}

func mixK1(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
func mixK2(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }

func finish(h uint64) uint64 {
	h ^= h >> 33
	h *= f1
	h ^= h >> 33
	h *= f2
	return h ^ h>>33
}
