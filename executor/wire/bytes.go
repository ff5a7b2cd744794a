package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// ErrFrame is what every error of a Reader wraps that says the bytes are not a sound frame.
var ErrFrame = errors.New("damaged frame")

func appendInt[I int | int64](b []byte, v I) []byte { return binary.AppendVarint(b, int64(v)) }

// appendID appends a number that is never negative, such as a partition's.
func appendID[I int | int32](b []byte, v I) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendAll[E any](b []byte, all []E, one func([]byte, E) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, e := range all {
		b = one(b, e)
	}
	return b
}

// appendMap writes a map in any order: what is read from it is a map again.
func appendMap[K comparable, V any](b []byte, m map[K]V, key func([]byte, K) []byte, val func([]byte, V) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for k, v := range m {
		b = val(key(b, k), v)
	}
	return b
}

// decoder reads what the append functions wrote. It trusts nothing: a count is held against the bytes that are left, and everything that
// is made is charged to a quota. After the first error all reads return zero.
type decoder struct {
	rest  []byte
	left  int // bytes of memory that may still be taken
	names *names
	err   error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %w", ErrFrame, fmt.Errorf(format, args...))
	}
	d.rest = nil
}

// charge takes n bytes from the quota.
func (d *decoder) charge(n int) {
	if d.left -= n; d.left < 0 {
		d.fail("it asks for more memory than its length allows")
	}
}

func (d *decoder) uvarint() uint64 {
	if len(d.rest) > 0 && d.rest[0] < 0x80 { // most are
		v := d.rest[0]
		d.rest = d.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail("a number is cut off or too long")
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) int64() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) int() int { return int(d.int64()) }

// id reads what appendID wrote. Those who index by it check its upper bound; that it is not negative is checked here.
func (d *decoder) id() int {
	v := d.uvarint()
	if v > math.MaxInt32 {
		d.fail("the number of a task, stage or partition is %d", int64(v))
		return 0
	}
	return int(v)
}

func (d *decoder) bool() bool { return d.byte() != 0 }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail("it ends too early")
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

func (d *decoder) fixed64() uint64 {
	if len(d.rest) < 8 {
		d.fail("it ends too early")
		return 0
	}
	v := binary.LittleEndian.Uint64(d.rest)
	d.rest = d.rest[8:]
	return v
}

// raw reads what appendBytes or appendText wrote, without a copy.
func (d *decoder) raw() []byte {
	n := d.uvarint()
	if n > uint64(len(d.rest)) {
		d.fail("%d bytes where %d are left", n, len(d.rest))
		return nil
	}
	v := d.rest[:n:n]
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) text() string {
	raw := d.raw()
	d.charge(len(raw))
	if d.names == nil {
		return string(raw)
	}
	return d.names.of(raw)
}

func (d *decoder) bytes() []byte {
	raw := d.raw()
	if len(raw) == 0 {
		return nil
	}
	d.charge(len(raw))
	return append([]byte(nil), raw...)
}

// count reads the number of elements that follow, each at least least bytes long there and size bytes here.
func (d *decoder) count(least int, size uintptr) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/least) {
		d.fail("%d elements where %d bytes are left", n, len(d.rest))
		return 0
	}
	if d.charge(int(n) * int(size)); d.err != nil {
		return 0
	}
	return int(n)
}

// readAll reads what appendAll wrote. None is nil.
func readAll[E any](d *decoder, least int, one func(*decoder) E) []E {
	var e E
	n := d.count(least, unsafe.Sizeof(e))
	if n == 0 {
		return nil
	}
	all := make([]E, n)
	for i := range all {
		if all[i] = one(d); d.err != nil {
			return nil
		}
	}
	return all
}

// readMap reads what appendMap wrote. None is nil.
func readMap[K comparable, V any](d *decoder, least int, key func(*decoder) K, val func(*decoder) V) map[K]V {
	var k K
	var v V
	n := d.count(least, 2*(unsafe.Sizeof(k)+unsafe.Sizeof(v))) // maps are up to half empty
	if n == 0 {
		return nil
	}
	m := make(map[K]V, n)
	for range n {
		k := key(d)
		v := val(d)
		if d.err != nil {
			return nil
		}
		m[k] = v
	}
	return m
}

// names remembers short texts: those of steps, sources and sinks come in every frame.
type names struct{ known map[string]string }

const maxNames, longestName = 4096, 128

func (n *names) of(raw []byte) string {
	if s, ok := n.known[string(raw)]; ok {
		return s
	}
	s := string(raw)
	if len(raw) <= longestName && len(n.known) < maxNames {
		if n.known == nil {
			n.known = map[string]string{}
		}
		n.known[s] = s
	}
	return s
}
