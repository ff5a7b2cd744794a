package format

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd/codec"
)

// TestDigits compares with strconv, for every length and with every byte that is no digit at every place.
func TestDigits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 24; n++ {
		for range 200 {
			s := make([]byte, n)
			for i := range s {
				s[i] = byte('0' + rnd.IntN(10))
			}
			got, fit := digits(s)
			want, err := strconv.ParseUint(string(s), 10, 64)
			if (err == nil) != (fit == fits) || err == nil && got != want || fit == malformed {
				t.Fatalf("%s: %d %v, want %d %v", s, got, fit, want, err)
			}
			s[rnd.IntN(n)] = oddDigit(rnd)
			if _, fit := digits(s); fit != malformed {
				t.Fatalf("%q is %v", s, fit)
			}
		}
	}
}

func oddDigit(rnd *rand.Rand) byte {
	for {
		if c := byte(rnd.IntN(256)); c < '0' || c > '9' {
			return c
		}
	}
}

func TestIntegers(t *testing.T) {
	for kind, name := range map[codec.Kind]string{
		codec.Int8: "-128 127", codec.Int16: "-32768 32767", codec.Int32: "-2147483648 2147483647", codec.Int64: "-9223372036854775808 9223372036854775807",
		codec.Uint8: "0 255", codec.Uint16: "0 65535", codec.Uint32: "0 4294967295", codec.Uint64: "0 18446744073709551615",
	} {
		r := integers[kind]
		low, high, _ := strings.Cut(name, " ")
		for _, s := range []string{low, high} {
			v, fit := r.whole([]byte(s))
			if fit != fits || strconv.FormatInt(int64(v), 10) != s && strconv.FormatUint(v, 10) != s {
				t.Errorf("%v: %s is %d %v", kind, s, int64(v), fit)
			}
		}
		beyond := high[:len(high)-1] + string(high[len(high)-1]+1) // no limit ends in 9
		if _, fit := r.whole([]byte(beyond)); fit != overflows {
			t.Errorf("%v: %s %v", kind, beyond, fit)
		}
		if _, fit := r.whole([]byte("-" + beyond + "0")); fit == fits {
			t.Errorf("%v: -%s0 fits", kind, beyond)
		}
	}
}

// TestClass compares with a look at each byte.
func TestClass(t *testing.T) {
	for n := range 100 {
		for at := range n {
			for _, c := range []byte{0, 0x1f, 0x20, 0x7f, 0x80, 0xff, '\n'} {
				b := []byte(strings.Repeat("a", n))
				b[at] = c
				if n > 40 {
					b[40] = '\xc3' // a neighbour with its top bit set
				}
				if got, want := classOf(b), classOfFew(b); got != want {
					t.Fatalf("%q: %v, want %v", b, got, want)
				}
			}
		}
	}
}

// TestLiteral compares with strings.HasPrefix at every distance from the end.
func TestLiteral(t *testing.T) {
	const text = "abcdefghijklmnopqrstuvwxyz0123456789"
	for n := range len(text) {
		l := newLiteral(text[:n])
		for from := range 3 {
			for end := range len(text) + 1 {
				b := []byte("xy" + text + text)[2-from:]
				b = b[:min(len(b), from+end)]
				if got, want := l.at(b, from), strings.HasPrefix(string(b[from:]), text[:n]); got != want {
					t.Fatalf("%q at %d of %q: %v", text[:n], from, b, got)
				}
				if end > 0 && n > 0 {
					b[from+min(end, n)-1] ^= 1
					if l.at(b, from) {
						t.Fatalf("%q at %d of %q", text[:n], from, b)
					}
				}
			}
		}
		if l.at([]byte(text), len(text)+1) {
			t.Fatal("behind the end")
		}
	}
}

func TestFloats(t *testing.T) {
	for _, f := range []float64{0, math.Copysign(0, -1), 1, 1e21, 1e20, 1e-6, 1e-7, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1, 1.0 / 3} {
		s := appendFloat(nil, f, 64)
		if back, err := strconv.ParseFloat(string(s), 64); err != nil || math.Float64bits(back) != math.Float64bits(f) || numberLen(s) != len(s) {
			t.Errorf("%v is %s", f, s)
		}
	}
}
