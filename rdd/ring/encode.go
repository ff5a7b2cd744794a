package ring

import (
	"encoding/binary"
	"math"
	"math/big"
	"net/netip"
	"time"
)

// The Append functions append a value as Cassandra serialises it (native protocol
// v4 §6), which is what a partition key of one column is hashed from. A key of
// several columns is a Composite.

// AppendText appends a text or varchar: its UTF-8 bytes.
func AppendText(dst []byte, s string) []byte { return append(dst, s...) }

// AppendASCII appends an ascii: its bytes.
func AppendASCII(dst []byte, s string) []byte { return append(dst, s...) }

// AppendBlob appends a blob: its bytes.
func AppendBlob(dst, b []byte) []byte { return append(dst, b...) }

// AppendBigint appends a bigint: 8 bytes, as all integers big-endian two's complement.
func AppendBigint(dst []byte, v int64) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }

// AppendInt appends an int: 4 bytes.
func AppendInt(dst []byte, v int32) []byte { return binary.BigEndian.AppendUint32(dst, uint32(v)) }

// AppendSmallint appends a smallint: 2 bytes.
func AppendSmallint(dst []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(dst, uint16(v))
}

// AppendTinyint appends a tinyint: 1 byte.
func AppendTinyint(dst []byte, v int8) []byte { return append(dst, byte(v)) }

// AppendBoolean appends a boolean: 1 or 0 in a byte.
func AppendBoolean(dst []byte, v bool) []byte {
	if v {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// AppendFloat appends a float: IEEE 754, 4 bytes. Every NaN becomes Java's.
func AppendFloat(dst []byte, v float32) []byte {
	b := math.Float32bits(v)
	if v != v {
		b = 0x7fc00000
	}
	return binary.BigEndian.AppendUint32(dst, b)
}

// AppendDouble appends a double: IEEE 754, 8 bytes. Every NaN becomes Java's.
func AppendDouble(dst []byte, v float64) []byte {
	b := math.Float64bits(v)
	if v != v {
		b = 0x7ff8000000000000
	}
	return binary.BigEndian.AppendUint64(dst, b)
}

// AppendUUID appends a uuid or timeuuid: its 16 bytes in the order they are written in.
func AppendUUID(dst []byte, id [16]byte) []byte { return append(dst, id[:]...) }

// AppendTimestamp appends a timestamp: milliseconds since 1970, rounded down.
func AppendTimestamp(dst []byte, t time.Time) []byte { return AppendBigint(dst, t.UnixMilli()) }

// AppendDate appends a date: t's calendar day in its own location, as days since
// 1970-01-01 plus 2³¹, unsigned.
func AppendDate(dst []byte, t time.Time) []byte {
	y, m, d := t.Date()
	days := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	return binary.BigEndian.AppendUint32(dst, uint32(days+1<<31))
}

// AppendTime appends a time: nanoseconds since midnight.
func AppendTime(dst []byte, sinceMidnight time.Duration) []byte {
	return AppendBigint(dst, int64(sinceMidnight))
}

// AppendInet appends an inet: 4 or 16 bytes. An IPv4 address mapped into IPv6 becomes
// IPv4, as Java makes it; a zone is dropped.
func AppendInet(dst []byte, a netip.Addr) []byte { return append(dst, a.Unmap().AsSlice()...) }

// AppendVarint appends a varint: the shortest big-endian two's complement, at least a byte.
func AppendVarint(dst []byte, v *big.Int) []byte {
	if v.Sign() >= 0 {
		if v.BitLen()%8 == 0 { // the sign needs a bit of its own, and zero a byte
			dst = append(dst, 0)
		}
		return append(dst, v.Bytes()...)
	}
	// -v-1 has the inverted bits of v and is not negative.
	inverted := new(big.Int).Not(v)
	from := len(dst)
	dst = AppendVarint(dst, inverted)
	for i := from; i < len(dst); i++ {
		dst[i] = ^dst[i]
	}
	return dst
}

// AppendDecimal appends the decimal unscaled·10^-scale: the scale as 4 bytes, then
// unscaled as a varint. Equal numbers of different scale are different keys.
func AppendDecimal(dst []byte, unscaled *big.Int, scale int32) []byte {
	return AppendVarint(AppendInt(dst, scale), unscaled)
}

// Composite appends the components of a partition key of several columns to a
// buffer: for each its length in 2 bytes, its bytes, and a zero byte.
//
//	k := ring.Composite{Key: buf[:0]}
//	k.Start(); k.Key = ring.AppendText(k.Key, "a"); k.End()
//	k.Start(); k.Key = ring.AppendInt(k.Key, 7); k.End()
//	t := ring.Murmur3(k.Key)
type Composite struct {
	Key   []byte
	start int // of the open component's bytes
}

// Start opens a component.
func (c *Composite) Start() {
	c.Key = append(c.Key, 0, 0)
	c.start = len(c.Key)
}

// End closes the open component. Cassandra refuses components over 65,535 bytes; here
// the length wraps, so that there is a token at all.
func (c *Composite) End() {
	binary.BigEndian.PutUint16(c.Key[c.start-2:], uint16(len(c.Key)-c.start))
	c.Key = append(c.Key, 0)
}

// AppendComposite appends the components of a partition key of several columns, each
// serialised already. A single component is a plain key and is appended as it is.
func AppendComposite(dst []byte, components ...[]byte) []byte {
	if len(components) == 1 {
		return append(dst, components[0]...)
	}
	c := Composite{Key: dst}
	for _, b := range components {
		c.Start()
		c.Key = append(c.Key, b...)
		c.End()
	}
	return c.Key
}
