package status

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// count writes 1234567 as 1,234,567.
func count[N int | int64](n N) string {
	s := strconv.FormatInt(int64(n), 10)
	head := len(s) % 3
	if n < 0 {
		s, head = s[1:], (len(s)-1)%3
	}
	var out strings.Builder
	if n < 0 {
		out.WriteByte('-')
	}
	for i := range len(s) {
		if i > 0 && i%3 == head {
			out.WriteByte(',')
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// short writes 1234567 as 1.2 M; what is below ten thousand in full.
func short(x float64) string {
	switch {
	case x < 1e4:
		return count(int64(x + 0.5))
	case x < 1e6:
		return scaled(x/1e3, "k")
	case x < 1e9:
		return scaled(x/1e6, "M")
	}
	return scaled(x/1e9, "G")
}

// size writes bytes in powers of 1024.
func size(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	x, units := float64(n)/1024, []string{"KiB", "MiB", "GiB", "TiB"}
	for x >= 1024 && len(units) > 1 {
		x, units = x/1024, units[1:]
	}
	return scaled(x, units[0])
}

func scaled(x float64, unit string) string {
	if x < 99.95 {
		return fmt.Sprintf("%.1f %s", x, unit)
	}
	return fmt.Sprintf("%.0f %s", x, unit)
}

// span writes a duration with two or three digits that matter.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-d)
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d m %02d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %02d m", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %02d h", int(d.Hours())/24, int(d.Hours())%24)
}

// reached writes a point of a timeline, where zero means that it was not reached.
func reached(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return span(d)
}

// moment writes a time in UTC to the millisecond.
func moment(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

// clean makes foreign text safe for a terminal: an error may quote a record, and a record may hold escape sequences.
// Lines and tabs stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.In(r, unicode.Cc, unicode.Cf) {
			return r
		}
		return unicode.ReplacementChar
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// word is clean text on one line.
func word(s string) string { return clean(strings.Join(strings.Fields(s), " ")) }
