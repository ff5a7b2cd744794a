package param

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Set is the parameters of one URL while a connector reads them. One goroutine uses it.
type Set struct {
	url    *url.URL
	values url.Values
	known  map[string]bool
	err    error
}

// Of returns the parameters of u.
func Of(u *url.URL) *Set {
	values, err := url.ParseQuery(u.RawQuery)
	s := &Set{url: u, values: values, known: map[string]bool{}}
	if err != nil {
		s.err = fmt.Errorf("%s: the parameters behind the ? cannot be read: %w", u.Redacted(), err)
	}
	return s
}

// Err returns the first error of a value that was asked for, or an error that names a parameter nobody knows.
func (s *Set) Err() error {
	if s.err != nil {
		return s.err
	}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		if !s.known[name] {
			return fmt.Errorf("%s: unknown parameter %q; %s%s", s.url.Redacted(), name, s.listing(), Hint(name, s.Names()))
		}
	}
	return nil
}

func (s *Set) listing() string {
	if len(s.known) == 0 {
		return "there are none"
	}
	return "known are " + strings.Join(slices.Sorted(maps.Keys(s.known)), ", ")
}

// get parses a value and keeps the first error.
func get[V any](s *Set, name string, def V, want string, parse func(string) (V, bool)) V {
	s.known[name] = true
	if !s.values.Has(name) {
		return def
	}
	given := s.values[name]
	v, ok := parse(given[0])
	if len(given) == 1 && ok {
		return v
	}
	if s.err == nil && len(given) > 1 {
		s.err = fmt.Errorf("%s: parameter %s is given %d times", s.url.Redacted(), name, len(given))
	} else if s.err == nil {
		s.err = fmt.Errorf("%s: parameter %s=%s: want %s", s.url.Redacted(), name, given[0], want)
	}
	return def
}

// String returns a parameter as it stands, def if it is not given.
func (s *Set) String(name, def string) string {
	return get(s, name, def, "text", func(v string) (string, bool) { return v, true })
}

// OneOf returns a parameter that has one of a few values; the first is the default.
func (s *Set) OneOf(name string, of ...string) string {
	return get(s, name, of[0], "one of "+strings.Join(of, ", "), func(v string) (string, bool) {
		return v, slices.Contains(of, v)
	})
}

// Int returns a whole number from least to most.
func (s *Set) Int(name string, def, least, most int64) int64 {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	return get(s, name, def, want, func(v string) (int64, bool) {
		n, err := strconv.ParseInt(v, 10, 64)
		return n, err == nil && n >= least && n <= most
	})
}

// Float returns a number from least to most.
func (s *Set) Float(name string, def, least, most float64) float64 {
	want := fmt.Sprintf("a number from %g to %g", least, most)
	return get(s, name, def, want, func(v string) (float64, bool) {
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil && n >= least && n <= most // false for NaN
	})
}

// Bool returns true or false.
func (s *Set) Bool(name string, def bool) bool {
	return get(s, name, def, "true or false", func(v string) (bool, bool) {
		return v == "true", v == "true" || v == "false"
	})
}

// Duration returns a duration of at least least, written with its unit: 500ms, 2m.
func (s *Set) Duration(name string, def, least time.Duration) time.Duration {
	want := fmt.Sprintf("a duration with its unit, like 500ms or 2m, at least %s", least)
	return get(s, name, def, want, func(v string) (time.Duration, bool) {
		d, err := time.ParseDuration(v)
		return d, err == nil && d >= least
	})
}

// Time returns a moment in RFC 3339, in UTC.
func (s *Set) Time(name string, def time.Time) time.Time {
	return get(s, name, def, "a time like 2026-01-01T00:00:00Z", func(v string) (time.Time, bool) {
		t, err := time.Parse(time.RFC3339Nano, v)
		return t.UTC(), err == nil
	})
}

// Names returns the parameters that were asked for, in order.
func (s *Set) Names() []string { return slices.Sorted(maps.Keys(s.known)) }

// Bad returns the first error of a value that was asked for, and leaves parameters that nobody asked for to somebody else.
func (s *Set) Bad() error { return s.err }
