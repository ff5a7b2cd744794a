package status

import (
	"testing"
	"time"
)

func TestUnits(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1,000"}, {count(-1), "-1"}, {count(-999), "-999"},
		{count(-123456), "-123,456"}, {count(int64(1) << 62), "4,611,686,018,427,387,904"}, {count(-int64(1) << 63), "-9,223,372,036,854,775,808"},
		{short(0), "0"}, {short(0.4), "0"}, {short(9999), "9,999"}, {short(12345), "12.3 k"}, {short(999_960), "1000 k"},
		{short(1.2e6), "1.2 M"}, {short(123e6), "123 M"}, {short(9.9e12), "9900 G"},
		{size(0), "0 B"}, {size(1023), "1023 B"}, {size(1024), "1.0 KiB"}, {size(5 << 20), "5.0 MiB"}, {size(300 << 30), "300 GiB"}, {size(5 << 50), "5120 TiB"},
		{span(0), "0 µs"}, {span(420 * time.Microsecond), "420 µs"}, {span(3240 * time.Microsecond), "3.2 ms"}, {span(53 * time.Millisecond), "53 ms"},
		{span(1200 * time.Millisecond), "1.20 s"}, {span(123 * time.Second), "2 m 03 s"}, {span(3723 * time.Second), "1 h 02 m"},
		{span(76 * time.Hour), "3 d 04 h"}, {span(-time.Second), "-1.00 s"},
		{reached(0), "–"}, {reached(time.Second), "1.00 s"}, {moment(time.Time{}), "–"}, {moment(epoch), "2026-03-01 12:00:00.000"},
		{clean("a\x1b[2Jb\x00\u202e\xff\n\tc→"), "a�[2Jb���\n\tc→"}, {word(" a\n b\r\n"), "a b"}, {clean("a\r\nb\r"), "a\nb�"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
