package rdd

import (
	"hash/maphash"
	"reflect"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// hashing is the fastest hash for a key's type.
type hashing uint8

const (
	hashAny  hashing = iota // maphash.Comparable
	hashText                // xxh3
	hash64                  // integers of 64 bits
	hash32                  // of 32
)

func hashingOf[K comparable]() hashing {
	switch reflect.TypeFor[K]().Kind() {
	case reflect.String:
		return hashText
	case reflect.Int64, reflect.Uint64, reflect.Int, reflect.Uint:
		return hash64
	case reflect.Int32, reflect.Uint32:
		return hash32
	}
	return hashAny
}

// Seeds differ between processes, so that nobody can choose keys that collide. No hash leaves the process, and no order depends
// on one.
var (
	seed   = maphash.MakeSeed()
	seed64 = maphash.Comparable(seed, 0)
)

// hashAll hashes keys into out, which must be as long.
func hashAll[K comparable](h hashing, keys []K, out []uint64) {
	switch h {
	case hashText:
		for i := range keys {
			out[i] = xxh3.HashStringSeed(*(*string)(unsafe.Pointer(&keys[i])), seed64)
		}
	case hash64:
		for i := range keys {
			out[i] = mix(*(*uint64)(unsafe.Pointer(&keys[i])))
		}
	case hash32:
		for i := range keys {
			out[i] = mix(uint64(*(*uint32)(unsafe.Pointer(&keys[i]))))
		}
	default:
		for i := range keys {
			out[i] = maphash.Comparable(seed, keys[i])
		}
	}
}

// hashOf hashes one key as hashAll does.
func hashOf[K comparable](h hashing, key K) uint64 {
	switch h {
	case hashText:
		return xxh3.HashStringSeed(*(*string)(unsafe.Pointer(&key)), seed64)
	case hash64:
		return mix(*(*uint64)(unsafe.Pointer(&key)))
	case hash32:
		return mix(uint64(*(*uint32)(unsafe.Pointer(&key))))
	}
	return maphash.Comparable(seed, key)
}

// mix is the finaliser of MurmurHash3 (Appleby, 64 bits) over x and the seed: every bit of either reaches every bit of the
// result.
func mix(x uint64) uint64 {
	x ^= seed64
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
