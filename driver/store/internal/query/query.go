package query

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Params are the parameters of one URL while somebody reads them. One goroutine uses them.
type Params struct {
	values url.Values
	known  map[string]bool
	err    error
}

// Of returns the parameters of u.
func Of(u *url.URL) *Params {
	values, err := url.ParseQuery(u.RawQuery)
	p := &Params{values: values, known: map[string]bool{}}
	if err != nil {
		p.err = fmt.Errorf("the parameters behind the ? cannot be read: %w", err)
	}
	return p
}

// Err returns the first error of a value that was asked for, or one that names a parameter nobody asked for.
func (p *Params) Err() error {
	if p.err != nil {
		return p.err
	}
	known := slices.Sorted(maps.Keys(p.known))
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.known[name] {
			return fmt.Errorf("unknown parameter %q; known are %s%s", name, strings.Join(known, ", "), meant(name, known))
		}
	}
	return nil
}

func get[V any](p *Params, name string, def V, want string, parse func(string) (V, bool)) V {
	p.known[name] = true
	given := p.values[name]
	if len(given) == 0 {
		return def
	}
	if v, ok := parse(given[0]); ok && len(given) == 1 {
		return v
	}
	if p.err == nil {
		p.err = fmt.Errorf("parameter %s=%s: it must be %s, once", name, strings.Join(given, ","), want)
	}
	return def
}

// String returns a text, "" if it is not there.
func (p *Params) String(name string) string {
	return get(p, name, "", "text", func(v string) (string, bool) { return v, true })
}

// OneOf returns one of some words, the first if it is not there.
func (p *Params) OneOf(name string, words ...string) string {
	return get(p, name, words[0], "one of "+strings.Join(words, ", "), func(v string) (string, bool) {
		return v, slices.Contains(words, v)
	})
}

// Bool returns true or false, false if it is not there.
func (p *Params) Bool(name string) bool {
	return get(p, name, false, "true or false", func(v string) (bool, bool) { return v == "true", v == "true" || v == "false" })
}

// Int returns a number from least to most.
func (p *Params) Int(name string, def, least, most int) int {
	return get(p, name, def, fmt.Sprintf("a number from %d to %d", least, most), func(v string) (int, bool) {
		n, err := strconv.Atoi(v)
		return n, err == nil && n >= least && n <= most
	})
}

// Duration returns a time of at least one millisecond.
func (p *Params) Duration(name string, def time.Duration) time.Duration {
	return get(p, name, def, "a duration like 500ms or 10s", func(v string) (time.Duration, bool) {
		d, err := time.ParseDuration(v)
		return d, err == nil && d >= time.Millisecond
	})
}

// meant asks whether the nearest of the known names was meant; "" if none is near.
func meant(name string, known []string) string {
	best, at := 3, ""
	for _, k := range known {
		if d := distance(name, k); d < best {
			best, at = d, k
		}
	}
	if at == "" {
		return ""
	}
	return "; did you mean " + at + "?"
}

// distance is Levenshtein's: how many letters have to be put in, taken out or changed.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
