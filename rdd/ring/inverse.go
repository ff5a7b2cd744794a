package ring

import (
	"encoding/binary"
	"math/bits"
)

// Inverses of the odd constants modulo 2^64.
var (
	c1Inverse   = inverse(c1)
	c2Inverse   = inverse(c2)
	fiveInverse = inverse(5)
	f1Inverse   = inverse(f1)
	f2Inverse   = inverse(f2)
)

// inverse is that of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are right, of which x itself
// has three.
func inverse(x uint64) uint64 {
	y := x
	for range 5 {
		y *= 2 - x*y
	}
	return y
}

// KeyFor returns a key of 16 bytes, of a table whose partition key is one blob, that has the given token: so what is stored under it
// lies on the nodes that hold the token. Different salts give different keys. It undoes Murmur3, whose every step can be undone for a
// key of one block (Cassandra has the same as MurmurHash.inv_hash3_x64_128). The token math.MinInt64 belongs to no row: the key
// returned for it has math.MaxInt64.
func KeyFor(t Token, salt uint64) (key [16]byte) {
	// h1 and h2 as they leave the last lines of Murmur3, of which only h1 is the token: h2 is free, and is the salt.
	h1, h2 := unfinish(uint64(t)-salt), unfinish(salt)
	h2 -= h1
	h1 -= h2
	h1 ^= uint64(len(key))
	h2 ^= uint64(len(key))
	k2 := bits.RotateLeft64((h2-0x38495ab5)*fiveInverse-h1, -31)
	k1 := bits.RotateLeft64((h1-0x52dce729)*fiveInverse, -27) // h2 was 0 then
	binary.LittleEndian.PutUint64(key[:8], bits.RotateLeft64(k1*c2Inverse, -31)*c1Inverse)
	binary.LittleEndian.PutUint64(key[8:], bits.RotateLeft64(k2*c1Inverse, -33)*c2Inverse)
	return key
}

// unfinish undoes finish: a shift by more than half is its own inverse.
func unfinish(h uint64) uint64 {
	h = (h ^ h>>33) * f2Inverse
	h = (h ^ h>>33) * f1Inverse
	return h ^ h>>33
}
