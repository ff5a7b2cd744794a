package slot

import (
	"math"
	"time"
)

// Unit is what numbers count that stand for times: since 1970 in UTC.
type Unit struct {
	name     string
	min, max int64 // numbers whose time the codec can hold, in microseconds
	time     func(int64) time.Time
}

// The seconds whose microseconds an int64 can count, which bounds the times that travel.
const firstSecond, lastSecond = math.MinInt64 / 1_000_000, math.MaxInt64/1_000_000 - 1

const secondsOfDay = 24 * 60 * 60

// The units. Nanoseconds are cut to microseconds, since that is what travels.
var (
	Days    = Unit{"days", firstSecond / secondsOfDay, lastSecond / secondsOfDay, func(v int64) time.Time { return time.Unix(v*secondsOfDay, 0).UTC() }}
	Seconds = Unit{"s", firstSecond, lastSecond, func(v int64) time.Time { return time.Unix(v, 0).UTC() }}
	Millis  = Unit{"ms", firstSecond * 1000, lastSecond * 1000, func(v int64) time.Time { return time.UnixMilli(v).UTC() }}
	Micros  = Unit{"us", firstSecond * 1_000_000, lastSecond * 1_000_000, func(v int64) time.Time { return time.UnixMicro(v).UTC() }}
	Nanos   = Unit{"ns", math.MinInt64, math.MaxInt64, func(v int64) time.Time { return cut(time.Unix(0, v)) }}
)

// UnitOf returns the unit of a name: s, ms, us or ns.
func UnitOf(name string) (Unit, bool) {
	for _, u := range []Unit{Seconds, Millis, Micros, Nanos} {
		if u.name == name {
			return u, true
		}
	}
	return Unit{}, false
}

// cut rounds t down to what travels: microseconds in UTC. A row must not change by leaving memory.
func cut(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// Instant sets the time at v: seconds since 1970 and nanoseconds behind them, from 0 to 999,999,999.
func Instant(v *time.Time, seconds, nanos int64) error {
	if nanos < 0 || nanos >= 1e9 {
		return &Misfit{"", " has nanoseconds that are not from 0 to 999999999"}
	}
	if seconds < Seconds.min || seconds > Seconds.max {
		return &Misfit{"", ": " + itoa(seconds) + " s since 1970 is out of the range of times"}
	}
	*v = time.UnixMicro(seconds*1_000_000 + nanos/1000).UTC()
	return nil
}
