package identity

import (
	"fmt"
	"io"
	"log/slog"
)

// String names the holder; keys and secrets never leave by printing, whatever the verb.
func (c *Credentials) String() string {
	switch {
	case c == nil:
		return "no credentials (loopback only)"
	case c.o.Insecure:
		return "no credentials (INSECURE)"
	}
	return "credentials of " + c.Self().String() + " in cluster " + c.Self().Cluster
}

// Format prints String for every verb, also those that print fields.
func (c *Credentials) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// GoString is String.
func (c *Credentials) GoString() string { return c.String() }

// LogValue is String.
func (c *Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String: Bundle is the way to hand credentials on.
func (c *Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
