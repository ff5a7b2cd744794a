package protobuf

import (
	"math"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"google.golang.org/protobuf/encoding/protowire"
)

// timestamp decodes a google.protobuf.Timestamp.
func timestamp(b []byte, v unsafe.Pointer) error {
	seconds, nanos, err := pair(b)
	if err != nil {
		return err
	}
	return slot.Instant((*time.Time)(v), seconds, nanos)
}

// duration decodes a google.protobuf.Duration, whose nanoseconds have the sign of its seconds.
func duration(b []byte, v unsafe.Pointer) error {
	seconds, nanos, err := pair(b)
	if err != nil {
		return err
	}
	const most = math.MaxInt64/int64(time.Second) - 1
	switch {
	case nanos <= -1e9 || nanos >= 1e9 || seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0:
		return &slot.Misfit{What: " has nanoseconds that are not those of a duration"}
	case seconds > most || seconds < -most:
		return &slot.Misfit{What: " is out of the range of durations"}
	}
	*(*time.Duration)(v) = time.Duration(seconds)*time.Second + time.Duration(nanos)
	return nil
}

// pair reads the fields that both have: int64 seconds = 1, int32 nanos = 2.
func pair(b []byte) (seconds, nanos int64, err error) {
	for i := 0; i < len(b); {
		n, t, at, err := tag(b, i)
		if err != nil {
			return 0, 0, err
		}
		if n > 2 || t != protowire.VarintType {
			if i, err = skip(b, at, n, t); err != nil {
				return 0, 0, err
			}
			continue
		}
		u, end, err := varint(b, at)
		if err != nil {
			return 0, 0, err
		}
		if n == 1 {
			seconds = int64(u)
		} else {
			nanos = int64(int32(u))
		}
		i = end
	}
	return seconds, nanos, nil
}
