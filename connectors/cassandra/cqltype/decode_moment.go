package cqltype

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

func setMicros(at unsafe.Pointer, v int64) bool {
	*(*time.Time)(at) = time.UnixMicro(v).UTC()
	return true
}

// momentSetter sets times and durations; nil if the type cannot be read into the field.
func momentSetter(t Type, f *codec.Field) setter {
	switch {
	case t.ID == Timestamp && f.Kind == codec.Time:
		return func(b []byte, at unsafe.Pointer) error {
			if len(b) != 8 {
				return exactly(b, 8, t)
			}
			v := int64(binary.BigEndian.Uint64(b))
			if !inRange(v, 1000) {
				return fmt.Errorf("%d ms since 1970 is beyond what a column of times holds", v)
			}
			setMicros(at, v*1000)
			return nil
		}
	case t.ID == Date && f.Kind == codec.Time:
		return func(b []byte, at unsafe.Pointer) error {
			if len(b) != 4 {
				return exactly(b, 4, t)
			}
			v := int64(binary.BigEndian.Uint32(b)) - epochDay
			if !inRange(v, dayMicro) {
				return fmt.Errorf("%d days since 1970 is beyond what a column of times holds", v)
			}
			setMicros(at, v*dayMicro)
			return nil
		}
	case t.ID == Time && f.Kind == codec.Duration:
		return func(b []byte, at unsafe.Pointer) error {
			if len(b) != 8 {
				return exactly(b, 8, t)
			}
			*(*int64)(at) = int64(binary.BigEndian.Uint64(b))
			return nil
		}
	case t.ID == Duration && f.Kind == codec.Duration:
		return setDuration
	}
	return nil
}

// setDuration reads months, days and nanoseconds: only the last have a length.
func setDuration(b []byte, at unsafe.Pointer) error {
	var v [3]int64
	for i := range v {
		var ok bool
		if v[i], b, ok = cutVint(b); !ok {
			return errors.New("is cut short, for a duration")
		}
	}
	if v[0] != 0 || v[1] != 0 || len(b) > 0 {
		return fmt.Errorf("has %d months and %d days, whose length a time.Duration does not know", v[0], v[1])
	}
	*(*int64)(at) = v[2]
	return nil
}

// cutVint takes a [vint] from the start of b. See appendVint.
func cutVint(b []byte) (v int64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, b, false
	}
	more := bits.LeadingZeros8(^b[0])
	if len(b) <= more {
		return 0, b, false
	}
	u := uint64(b[0])
	if more < 8 {
		u &= 0xff >> more
	} else {
		u = 0
	}
	for _, c := range b[1 : 1+more] {
		u = u<<8 | uint64(c)
	}
	return int64(u>>1) ^ -int64(u&1), b[1+more:], true
}
