package conformance

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Odd is a row with a column of every kind, and with names that need quotes.
type Odd struct {
	Key      string `col:"select,key"`
	Bool     bool
	Int8     int8
	Uint64   uint64
	Float    float64
	Bytes    []byte
	Time     time.Time
	Duration time.Duration
	Fixed    [4]byte
	Nested   struct{ A, B string }
	List     []int32
	Array    [2]string
	Map      map[string]int64
	Null     *string
	Name     string `col:"a \"quoted\" näme"`
}

// Kinds writes rows of odd types: of every kind, zero and filled, of one plain column, of none. A sink may refuse a type when
// it is opened, with an error; what it takes it must count.
func Kinds(t *testing.T, open func(dir string, rows *codec.Codec) (dstream.RecordSink, error)) {
	text := "🌊"
	filled := Odd{
		Key: "k", Bool: true, Int8: -1, Uint64: 1 << 62, Float: 0.1, Bytes: []byte{0, 255}, Time: time.Unix(1, 5000).UTC(),
		Duration: time.Second, Fixed: [4]byte{1}, List: []int32{1, 2}, Array: [2]string{"x", ""},
		Map: map[string]int64{"a": 1}, Null: &text, Name: "\x00\u2028",
	}
	kind(t, "every kind", open, Odd{}, filled)
	kind(t, "one column", open, "a", "", "ü")
	kind(t, "no column", open, struct{}{}, struct{}{})
	kind(t, "number", open, int64(1), -1)
}

func kind[T any](t *testing.T, name string, open func(string, *codec.Codec) (dstream.RecordSink, error), rows ...T) {
	t.Run(name, func(t *testing.T) {
		c, err := codec.Of[T]()
		if err != nil {
			t.Fatal(err)
		}
		s, err := open(t.TempDir(), c)
		if err != nil {
			t.Logf("refused: %v", err)
			return
		}
		if _, err := commit(s, batch(1, 1, rows...)); err != nil {
			t.Error(fmt.Errorf("it was opened, but: %w", err))
		}
		if err := closeOf(s); err != nil {
			t.Error(err)
		}
	})
}
