package generate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// column sets one field of n rows: at points to the field of the first row, which becomes row first of the stream; the rows
// lie stride bytes and their numbers step apart.
type column func(at unsafe.Pointer, stride uintptr, first, step int64, n int)

// each is a column of values that are made one by one.
func each[V any](value func(n int64) V) column {
	return func(at unsafe.Pointer, stride uintptr, first, step int64, n int) {
		for i := range n {
			*(*V)(unsafe.Add(at, uintptr(i)*stride)) = value(first + int64(i)*step)
		}
	}
}

// lines is a column of text that is appended. All of a chunk's text lies in one buffer, which nobody writes again.
func lines(appendLine func(dst []byte, n int64) []byte, mean int) column {
	return func(at unsafe.Pointer, stride uintptr, first, step int64, n int) {
		buf := make([]byte, 0, n*(mean+8))
		for i := range n {
			from := len(buf)
			buf = appendLine(buf, first+int64(i)*step)
			*(*string)(unsafe.Add(at, uintptr(i)*stride)) = unsafe.String(&buf[from], len(buf)-from)
		}
	}
}

// maker is one of the things that can be generated.
type maker interface {
	columns() []named
	mean() int // bytes of a row as text
}

// named is a column with the types that a field of its name may have.
type named struct {
	name string
	as   map[codec.Kind]column
}

func text(name string, value func(n int64) string) named {
	return named{name, map[codec.Kind]column{codec.String: each(value)}}
}

func (s *AdStream) mean() int { return 253 }

func (s *AdStream) columns() []named {
	return []named{
		{"value", map[codec.Kind]column{codec.String: lines(s.AppendJSON, s.mean())}},
		text("user_id", s.user), text("page_id", s.page), text("ad_id", s.ad),
		text("ad_type", s.adType), text("event_type", s.eventType),
		{"event_time", map[codec.Kind]column{
			codec.Time:   each(func(n int64) time.Time { return time.UnixMicro(s.time(n)).UTC() }),
			codec.Int64:  each(s.millis),
			codec.String: lines(func(dst []byte, n int64) []byte { return strconv.AppendInt(dst, s.millis(n), 10) }, 13),
		}},
		text("ip_address", func(int64) string { return ipAddress }),
	}
}

// campaigns makes the table of ads and campaigns.
type campaigns struct{ *AdStream }

func (c campaigns) mean() int { return 73 }

func (c campaigns) columns() []named {
	line := func(dst []byte, n int64) []byte {
		ad, campaign := c.Campaign(int(n))
		return append(append(append(dst, ad...), ','), campaign...)
	}
	return []named{
		{"value", map[codec.Kind]column{codec.String: lines(line, c.mean())}},
		text("ad_id", func(n int64) string { ad, _ := c.Campaign(int(n)); return ad }),
		text("campaign_id", func(n int64) string { _, campaign := c.Campaign(int(n)); return campaign }),
	}
}

func (s *WordStream) mean() int { return 99 }

func (s *WordStream) columns() []named {
	return []named{{"value", map[codec.Kind]column{codec.String: lines(s.AppendLine, s.mean())}}}
}

// bind finds the column of each field of a row type.
func bind(m maker, c *codec.Codec) ([]column, error) {
	known := m.columns()
	out := make([]column, len(c.Fields))
	for i, f := range c.Fields {
		at := slices.IndexFunc(known, func(k named) bool { return k.name == f.Name })
		if at < 0 {
			return nil, fmt.Errorf("field %s of %s: there is no column of that name; there are %s", f.Name, c.Type, names(known))
		}
		out[i] = known[at].as[f.Kind]
		if out[i] == nil || f.Nullable {
			return nil, fmt.Errorf("field %s of %s: %s", f.Name, c.Type, known[at].wants())
		}
	}
	return out, nil
}

func names(known []named) string {
	var out []string
	for _, k := range known {
		out = append(out, k.name)
	}
	return strings.Join(out, ", ")
}

func (k named) wants() string {
	if len(k.as) == 1 {
		return "want a string"
	}
	return "want a time.Time, an int64 of milliseconds or a string"
}
