package codec

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/rdd/ring"
)

type pair struct {
	A string
	B int32
}

type nestedKey struct {
	pair
	T  time.Time
	ID [16]byte
	_  int
	X  struct{ D time.Duration }
	L  [2]bool
}

// keyToken is the token of one key.
func keyToken[K comparable](t *testing.T, k K) ring.Token {
	t.Helper()
	f, err := KeyToken[K]()
	if err != nil {
		t.Fatal(err)
	}
	tokens := make([]int64, 2)
	f([]K{k, k}, tokens)
	if tokens[0] != tokens[1] {
		t.Fatalf("two tokens of one key: %v", tokens)
	}
	return ring.Token(tokens[0])
}

func TestKeyToken(t *testing.T) {
	at := time.Date(1999, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("", 3600))
	id := [16]byte{1, 2, 3}
	deep := nestedKey{pair: pair{"x", -7}, T: at, ID: id, L: [2]bool{false, true}}
	deep.X.D = time.Second
	for i, c := range []struct {
		got ring.Token
		key []byte
	}{
		{keyToken(t, "öl"), ring.AppendText(nil, "öl")},
		{keyToken(t, ""), nil},
		{keyToken(t, userID("u")), ring.AppendText(nil, "u")},
		{keyToken(t, true), ring.AppendBoolean(nil, true)},
		{keyToken(t, int8(-3)), ring.AppendTinyint(nil, -3)},
		{keyToken(t, int16(-3)), ring.AppendSmallint(nil, -3)},
		{keyToken(t, int32(-3)), ring.AppendInt(nil, -3)},
		{keyToken(t, -3), ring.AppendBigint(nil, -3)},
		{keyToken(t, int64(-3)), ring.AppendBigint(nil, -3)},
		{keyToken(t, cents(5)), ring.AppendBigint(nil, 5)},
		{keyToken(t, uint8(255)), ring.AppendSmallint(nil, 255)},
		{keyToken(t, uint16(65535)), ring.AppendInt(nil, 65535)},
		{keyToken(t, uint32(math.MaxUint32)), ring.AppendBigint(nil, math.MaxUint32)},
		{keyToken(t, uint64(math.MaxUint64)), ring.AppendBigint(nil, -1)},
		{keyToken(t, uint(7)), ring.AppendBigint(nil, 7)},
		{keyToken(t, at), ring.AppendTimestamp(nil, at)},
		{keyToken(t, time.Minute), ring.AppendBigint(nil, int64(time.Minute))},
		{keyToken(t, id), ring.AppendUUID(nil, id)},
		{keyToken(t, [3]byte{1, 2, 3}), []byte{1, 2, 3}},
		{keyToken(t, struct{ A string }{"only"}), ring.AppendText(nil, "only")},
		{keyToken(t, pair{"b", 0}), []byte("\x00\x01b\x00\x00\x04\x00\x00\x00\x00\x00")},
		{keyToken(t, [2]string{"a", "d"}), ring.AppendComposite(nil, []byte("a"), []byte("d"))},
		{keyToken(t, deep), ring.AppendComposite(nil, []byte("x"), ring.AppendInt(nil, -7), ring.AppendTimestamp(nil, at),
			id[:], ring.AppendBigint(nil, int64(time.Second)), []byte{0}, []byte{1})},
	} {
		if want := ring.Murmur3(c.key); c.got != want {
			t.Errorf("case %d: token %d, want %d", i, c.got, want)
		}
	}
	// From a live node: the composite of text 'b' and int 0.
	if got := keyToken(t, pair{"b", 0}); got != -6240007832659262642 {
		t.Errorf("token of ('b', 0) is %d", got)
	}
	if got := keyToken(t, struct{}{}); got != 0 {
		t.Errorf("token of struct{} is %d", got)
	}
}

func TestKeyTokenErrors(t *testing.T) {
	check := func(err error, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if err == nil || !strings.Contains(err.Error(), p) {
				t.Errorf("error %v, want %q in it", err, p)
			}
		}
	}
	_, err := KeyToken[float64]()
	check(err, "float64", "NaN")
	_, err = KeyToken[struct{ F struct{ X float32 } }]()
	check(err, ".F.X", "float32", "NaN")
	_, err = KeyToken[*int]()
	check(err, "*int", "address")
	_, err = KeyToken[any]()
	check(err, "interface {}", "concrete")
	_, err = KeyToken[struct{ C chan int }]()
	check(err, ".C", "chan int", "outside this process")
	_, err = KeyToken[private]()
	check(err, "private.a", "unexported")
	_, err = KeyToken[struct {
		A int
		B int `col:"-"`
	}]()
	check(err, ".B", "lost")
	_, err = KeyToken[complex128]()
	check(err, "complex128")
}

func TestKeyTokenAllocations(t *testing.T) {
	keys := slices.Repeat([]nestedKey{{pair: pair{A: strings.Repeat("long", 40)}}}, 1000)
	f, err := KeyToken[nestedKey]()
	if err != nil {
		t.Fatal(err)
	}
	tokens := make([]int64, len(keys))
	if n := testing.AllocsPerRun(10, func() { f(keys, tokens) }); n > 8 {
		t.Errorf("%v allocations for %d keys", n, len(keys))
	}
}

func BenchmarkKeyToken(b *testing.B) {
	b.Run("string36", func(b *testing.B) { benchmarkKeys(b, strings.Repeat("k", 36)) })
	b.Run("int64", func(b *testing.B) { benchmarkKeys(b, int64(7)) })
	b.Run("pair", func(b *testing.B) { benchmarkKeys(b, pair{"campaign", 7}) })
}

func benchmarkKeys[K comparable](b *testing.B, k K) {
	f, err := KeyToken[K]()
	if err != nil {
		b.Fatal(err)
	}
	keys := slices.Repeat([]K{k}, 4096)
	tokens := make([]int64, len(keys))
	for b.Loop() {
		f(keys, tokens)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/key")
}
