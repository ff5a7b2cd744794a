package format

import (
	"math"
	"time"
)

// unit is what times that are numbers count.
type unit struct {
	name     string
	min, max int64 // numbers whose time the codec can hold, in microseconds
	time     func(int64) time.Time
}

// The seconds whose microseconds an int64 can count, which bounds the times that travel.
const firstSecond, lastSecond = math.MinInt64 / 1_000_000, math.MaxInt64/1_000_000 - 1

var (
	seconds = unit{"s", firstSecond, lastSecond, func(v int64) time.Time { return time.Unix(v, 0).UTC() }}
	millis  = unit{"ms", firstSecond * 1000, lastSecond * 1000, func(v int64) time.Time { return time.UnixMilli(v).UTC() }}
	micros  = unit{"us", firstSecond * 1_000_000, lastSecond * 1_000_000, func(v int64) time.Time { return time.UnixMicro(v).UTC() }}
	nanos   = unit{"ns", math.MinInt64, math.MaxInt64, func(v int64) time.Time { return cut(time.Unix(0, v)) }}

	units = map[string]unit{"s": seconds, "ms": millis, "us": micros, "ns": nanos}
)

// epoch is the time that digits count, which most of the times in a stream of events are. False: it takes a closer look.
func (u *unit) epoch(text []byte) (time.Time, bool) {
	v, fit := digits(text)
	if fit != fits || v > uint64(u.max) {
		return time.Time{}, false
	}
	return u.time(int64(v)), true
}

// cut rounds t down to what travels: microseconds in UTC. A row must not change by leaving memory.
func cut(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }
