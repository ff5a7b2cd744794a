package ring

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vector is a partition key and what a live Cassandra's token() says of it.
type vector struct {
	Type   []string `json:"type"`
	Value  []string `json:"value"`
	KeyHex string   `json:"key_hex"`
	Token  int64    `json:"token"`
}

// TestGolden compares the encoders and the hash with a Cassandra 5.0 node. The
// environment's TOKENS names another file of vectors.
func TestGolden(t *testing.T) {
	file := "testdata/cassandra-tokens.json"
	if other := os.Getenv("TOKENS"); other != "" {
		file = other
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors in", file)
	}
	for i, v := range vectors {
		if err := v.check(); err != nil {
			t.Errorf("vector %d, %v %q: %v", i, v.Type, v.Value, err)
		}
	}
}

func (v vector) check() error {
	if len(v.Type) == 0 || len(v.Type) != len(v.Value) {
		return fmt.Errorf("%d types for %d values", len(v.Type), len(v.Value))
	}
	var parts [][]byte
	for i, typ := range v.Type {
		read, ok := encoders[typ]
		if !ok {
			return fmt.Errorf("unknown type %q", typ)
		}
		part, err := read(v.Value[i])
		if err != nil {
			return err
		}
		parts = append(parts, part)
	}
	key := AppendComposite(nil, parts...)
	if got := hex.EncodeToString(key); got != v.KeyHex {
		return fmt.Errorf("key %s, want %s", got, v.KeyHex)
	}
	if got := Murmur3(key); got != Token(v.Token) {
		return fmt.Errorf("token %d, want %d", got, v.Token)
	}
	return nil
}

var encoders = map[string]func(string) ([]byte, error){
	"text":      func(s string) ([]byte, error) { return AppendText(nil, s), nil },
	"varchar":   func(s string) ([]byte, error) { return AppendText(nil, s), nil },
	"ascii":     func(s string) ([]byte, error) { return AppendASCII(nil, s), nil },
	"blob":      readBlob,
	"tinyint":   integer(8, func(v int64) []byte { return AppendTinyint(nil, int8(v)) }),
	"smallint":  integer(16, func(v int64) []byte { return AppendSmallint(nil, int16(v)) }),
	"int":       integer(32, func(v int64) []byte { return AppendInt(nil, int32(v)) }),
	"bigint":    integer(64, func(v int64) []byte { return AppendBigint(nil, v) }),
	"counter":   integer(64, func(v int64) []byte { return AppendBigint(nil, v) }),
	"boolean":   readBoolean,
	"float":     readFloat,
	"double":    readDouble,
	"uuid":      readUUID,
	"timeuuid":  readUUID,
	"timestamp": moment(AppendTimestamp),
	"date":      moment(AppendDate),
	"time":      readTime,
	"inet":      readInet,
	"varint":    readVarint,
	"decimal":   readDecimal,
}

func integer(bits int, encode func(int64) []byte) func(string) ([]byte, error) {
	return func(s string) ([]byte, error) {
		v, err := strconv.ParseInt(s, 10, bits)
		return encode(v), err
	}
}

func moment(encode func([]byte, time.Time) []byte) func(string) ([]byte, error) {
	return func(s string) ([]byte, error) {
		t, err := time.Parse(time.RFC3339Nano, s)
		if day, err := time.Parse(time.DateOnly, s); err == nil {
			return encode(nil, day), nil
		}
		return encode(nil, t), err
	}
}

func readBlob(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	return AppendBlob(nil, b), err
}

func readBoolean(s string) ([]byte, error) {
	v, err := strconv.ParseBool(s)
	return AppendBoolean(nil, v), err
}

func readFloat(s string) ([]byte, error) {
	v, err := strconv.ParseFloat(s, 32)
	return AppendFloat(nil, float32(v)), err
}

func readDouble(s string) ([]byte, error) {
	v, err := strconv.ParseFloat(s, 64)
	return AppendDouble(nil, v), err
}

func readUUID(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return nil, fmt.Errorf("uuid %q: %v", s, err)
	}
	return AppendUUID(nil, [16]byte(b)), nil
}

func readTime(s string) ([]byte, error) {
	if v, err := time.ParseDuration(s); err == nil {
		return AppendTime(nil, v), nil
	}
	t, err := time.Parse("15:04:05.999999999", s)
	h, m, sec := t.Clock()
	since := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second
	return AppendTime(nil, since+time.Duration(t.Nanosecond())), err
}

func readInet(s string) ([]byte, error) {
	a, err := netip.ParseAddr(s)
	return AppendInet(nil, a), err
}

func readVarint(s string) ([]byte, error) {
	v, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, fmt.Errorf("varint %q", s)
	}
	return AppendVarint(nil, v), nil
}

func readDecimal(s string) ([]byte, error) {
	digits, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	whole, fraction, _ := strings.Cut(digits, ".")
	v, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil, fmt.Errorf("decimal %q", s)
	}
	scale := len(fraction)
	if exponent != "" {
		e, err := strconv.Atoi(exponent)
		if err != nil {
			return nil, err
		}
		scale -= e
	}
	return AppendDecimal(nil, v, int32(scale)), nil
}

// TestEncodersEdges has what the vectors of a node lack.
func TestEncodersEdges(t *testing.T) {
	for s, want := range map[string]string{
		"0": "00", "1": "01", "-1": "ff", "127": "7f", "128": "0080", "-128": "80", "-129": "ff7f",
		"255": "00ff", "256": "0100", "-256": "ff00", "-255": "ff01", "-257": "feff", "32768": "008000", "-32768": "8000",
	} {
		if got, _ := readVarint(s); hex.EncodeToString(got) != want {
			t.Errorf("varint %s is %x, want %s", s, got, want)
		}
	}
	far := time.Date(1969, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", 3600))
	if got := AppendTimestamp(nil, far); hex.EncodeToString(got) != "ffffffffffc9117f" {
		t.Errorf("timestamp rounds to %x", got)
	}
	if got := AppendDate(nil, far); hex.EncodeToString(got) != "7fffffff" {
		t.Errorf("the day before 1970 is %x", got)
	}
	mapped := netip.MustParseAddr("::ffff:1.2.3.4")
	if got := AppendInet(nil, mapped); !slices.Equal(got, []byte{1, 2, 3, 4}) {
		t.Errorf("mapped address is %x", got)
	}
}
