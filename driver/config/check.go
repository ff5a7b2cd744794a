package config

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	jobName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$`)
	scheme  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`) // RFC 3986 §3.1
)

// CheckJob reports what is wrong with a job's name, which must be good as the name of a directory.
func CheckJob(name string) error {
	if !jobName.MatchString(name) {
		return fmt.Errorf("%q is no job's name: accepted are letters, digits, - _ and . (not first), at most 100", name)
	}
	return nil
}

func parseJob(s string) (any, error) {
	if !jobName.MatchString(s) {
		return nil, fmt.Errorf("%q is no job's name", s)
	}
	return s, nil
}

func duration(low, high string) func(string) (any, error) {
	lo, _ := time.ParseDuration(low)
	hi, _ := time.ParseDuration(high)
	return func(s string) (any, error) {
		d, err := time.ParseDuration(s)
		switch _, bare := strconv.ParseFloat(s, 64); {
		case bare == nil && err != nil:
			return nil, fmt.Errorf("%s what? write %sms or %ss", s, s, s)
		case err != nil:
			return nil, fmt.Errorf("%q is not a duration", s)
		case d < lo || d > hi:
			return nil, fmt.Errorf("%s is out of range", s)
		}
		return d, nil
	}
}

func integer(lo, hi int64) func(string) (any, error) {
	return func(s string) (any, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, fmt.Errorf("%s is out of range", s)
		case err != nil:
			return nil, fmt.Errorf("%q is not a whole number", s)
		case n < lo || n > hi:
			return nil, fmt.Errorf("%d is out of range", n)
		}
		return n, nil
	}
}

func powerOfTwo(lo, hi int64) func(string) (any, error) {
	in := integer(lo, hi)
	return func(s string) (any, error) {
		v, err := in(s)
		if n, ok := v.(int64); ok && err == nil && n&(n-1) != 0 {
			return nil, fmt.Errorf("%d is no power of two", n)
		}
		return v, err
	}
}

func parseGOGC(s string) (any, error) {
	n, err := integer(0, 10_000)(s)
	if err == nil && n.(int64) > 0 && n.(int64) < 10 {
		return nil, fmt.Errorf("%d is out of range", n)
	}
	return n, err
}

func amount(lo Bytes) func(string) (any, error) {
	return func(s string) (any, error) {
		b, err := ParseBytes(s)
		if err != nil {
			return nil, err
		}
		if b < lo {
			return nil, fmt.Errorf("%s is out of range", s)
		}
		return b, nil
	}
}

func boolean(s string) (any, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, fmt.Errorf("%q is neither", s)
}

func fraction(lo, hi float64) func(string) (any, error) {
	return func(s string) (any, error) {
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a number", s)
		case !(f >= lo && f <= hi):
			return nil, fmt.Errorf("%s is out of range", s)
		}
		return f, nil
	}
}

func choice(of ...string) func(string) (any, error) {
	return func(s string) (any, error) {
		if !slices.Contains(of, s) {
			return nil, fmt.Errorf("%q is none of them", s)
		}
		return s, nil
	}
}

// parseDirectory makes the path absolute, so that a later change of the working directory means nothing.
func parseDirectory(s string) (any, error) {
	if s == "" {
		return "", nil
	}
	if strings.Contains(s, "://") {
		return nil, fmt.Errorf("%s is a URL, not a directory", Redact(s))
	}
	return filepath.Abs(s)
}

// parseCheckpoint takes a directory or the URL of a store; file:// is a directory too.
func parseCheckpoint(s string) (any, error) {
	switch {
	case strings.HasPrefix(s, "cassandra://"), strings.HasPrefix(s, "file://"), strings.HasPrefix(s, "${"):
		return s, nil
	}
	return parseDirectory(s)
}

// parseUI gives "" for none. The page has no passwords, so it is never offered beyond this machine.
func parseUI(s string) (any, error) {
	if s == "" || s == "off" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return nil, fmt.Errorf("%q is no host:port", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return nil, fmt.Errorf("%q is no port from 0 to 65535", port)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not a loopback address; for another machine use a tunnel to 127.0.0.1:%s", s, port)
	}
	return s, nil
}

// parseURL asks for a scheme only; which schemes there are is known to the connectors.
func parseURL(s string) (any, error) {
	if s == "" || strings.HasPrefix(s, "${") || scheme.MatchString(s) {
		return s, nil
	}
	return nil, fmt.Errorf("%q has no scheme (files:, sqlite:, …)", Redact(s))
}
