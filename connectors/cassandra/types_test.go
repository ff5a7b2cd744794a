package cassandra

import (
	"fmt"
	"math"
	"math/big"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	independent "github.com/apache/cassandra-gocql-driver/v2"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
)

// every has a column of every type, with the values as another driver gives them.
type every struct {
	ID        int64                   `col:"id,partition"`
	ASCII     string                  `col:"a"`
	Blob      []byte                  `col:"b"`
	Bool      bool                    `col:"c"`
	Date      time.Time               `col:"d"`
	Decimal   string                  `col:"e"`
	Double    float64                 `col:"f"`
	Duration  time.Duration           `col:"g"`
	Float     float32                 `col:"h"`
	Inet      string                  `col:"i"`
	Int       int32                   `col:"j"`
	Small     uint8                   `col:"k"`
	Text      *string                 `col:"l"`
	Time      time.Duration           `col:"m"`
	Timestamp time.Time               `col:"n"`
	Timeuuid  string                  `col:"o"`
	Tiny      int8                    `col:"p"`
	UUID      [16]byte                `col:"q"`
	Varint    uint64                  `col:"r"`
	List      []int64                 `col:"s"`
	Set       []string                `col:"t"`
	Map       map[string]int32        `col:"u"`
	UDT       *location               `col:"w"`
	Nested    []map[string][]location `col:"x"`
	Null      *time.Time              `col:"y"`
	Micros    time.Time               `col:"z"`
}

type location struct {
	City string `col:"City"`
	Zip  *int32 `col:"zip"`
}

const everyTable = ` (id bigint PRIMARY KEY, a ascii, b blob, c boolean, d date, e decimal, f double, g duration, h float, i inet, j int, k smallint, l text, m time,
	n timestamp, o timeuuid, p tinyint, q uuid, r varint, s list<bigint>, t set<text>, u map<text, int>, v tuple<int, text>, w frozen<location>,
	x frozen<list<map<text, list<frozen<location>>>>>, y timestamp, z bigint)`

func everyRow() every {
	text, zip := "ü", int32(12345)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_007_000, time.UTC)
	return every{
		1, "ascii", []byte{0, 255}, true, at.Truncate(24 * time.Hour), "-12.50", math.Pi, -90 * time.Minute, 1.5, "2001:db8::7", -5, 255, &text, 25 * time.Minute,
		at.Truncate(time.Millisecond), "01234567-89ab-1def-8123-456789abcdef", -128, [16]byte{1, 15: 2}, math.MaxUint64, []int64{3, -1, 3}, []string{"a", "b"},
		map[string]int32{"x": 1, "y": -1}, &location{"Ulm", &zip}, []map[string][]location{{"k": {{"A", nil}, {"B", &zip}}}}, nil, at,
	}
}

// What is written is read by an independent driver, and by us, as it was.
func TestEveryType(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks, s := c.Keyspace(t), c.Session(t, "")
	exec(t, s, "CREATE TYPE "+ks+`.location ("City" text, zip int)`)
	exec(t, s, "CREATE TABLE "+ks+".every"+everyTable)
	at := fmt.Sprintf("%s:%d", c.Hosts()[0], c.Port())
	want := everyRow()
	put(t, opened[every](t, "cassandra://"+at+"/"+ks+".every"), 1, want)
	exec(t, s, "UPDATE "+ks+".every SET v = (7, 'ü') WHERE id = 1")
	type tupled struct {
		every
		Tuple pairs `col:"v"`
	}
	got, bad := rowsOf[tupled](t, tableAt[tupled](t, c, ks+".every", ""))
	if len(bad) > 0 || len(got) != 1 || !reflect.DeepEqual(got[0], tupled{want, pairs{7, want.Text}}) {
		t.Errorf("got %+v, rejected %+v, want %+v", got, bad, want)
	}

	row := map[string]any{}
	if err := reading(t, at, ks).Query("SELECT * FROM " + ks + ".every").MapScan(row); err != nil {
		t.Fatal(err)
	}
	varint := new(big.Int).SetUint64(math.MaxUint64)
	for column, want := range map[string]any{
		"a": "ascii", "b": []byte{0, 255}, "c": true, "d": want.Date, "f": math.Pi, "g": independent.Duration{Nanoseconds: int64(-90 * time.Minute)}, "h": float32(1.5),
		"j": -5, "k": int16(255), "l": "ü", "m": 25 * time.Minute, "n": want.Timestamp, "p": int8(-128), "r": varint, "s": []int64{3, -1, 3}, "t": []string{"a", "b"},
		"u": map[string]int{"x": 1, "y": -1}, "v[0]": 7, "v[1]": "ü", "z": want.Micros.UnixMicro(), "y": time.Time{},
		"o": independent.UUID{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0x1d, 0xef, 0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}, "q": independent.UUID(want.UUID),
	} {
		if !reflect.DeepEqual(row[column], want) {
			t.Errorf("column %s: the other driver reads %#v (%T), want %#v", column, row[column], row[column], want)
		}
	}
	if ip, ok := row["i"].(net.IP); !ok || ip.String() != want.Inet || fmt.Sprint(row["e"]) != "-12.50" {
		t.Errorf("the other driver reads %v and %v", row["i"], row["e"])
	}
	if city := fmt.Sprint(row["w"]); !strings.Contains(city, "Ulm") || !strings.Contains(city, "12345") {
		t.Errorf("the other driver reads %s", city)
	}
}

// defaulted has a field of every kind, for which the table is made.
type defaulted struct {
	ID    string                    `col:"Key,partition"`
	At    time.Time                 `col:"select,key"`
	I8    int8                      `col:"i8"`
	I16   int16                     `col:"i16"`
	U8    uint8                     `col:"u8"`
	U16   uint16                    `col:"u16"`
	U32   uint32                    `col:"u32"`
	U64   uint64                    `col:"u64"`
	F32   float32                   `col:"f32"`
	Blob  []byte                    `col:"blob"`
	Hash  [4]byte                   `col:"hash"`
	UUID  [16]byte                  `col:"uuid"`
	D     time.Duration             `col:"duration"`
	List  []string                  `col:"list"`
	Array [2]int64                  `col:"array"`
	Subs  []pairs                   `col:"subs"`
	Map   map[string]map[int64]bool `col:"map"`
}

// Tables that are made for a row type take it and give it back, whatever its names.
func TestDefaultTypes(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks, text := c.Keyspace(t), "x"
	want := []defaulted{
		{ID: "a", At: time.UnixMilli(1).UTC(), I8: -1, I16: -2, U8: 255, U16: 65535, U32: math.MaxUint32, U64: math.MaxUint64, F32: 0.5, Blob: []byte{1}, Hash: [4]byte{1}, UUID: [16]byte{2},
			D: time.Second, List: []string{"", "b"}, Array: [2]int64{1, 2}, Subs: []pairs{{2, nil}, {3, &text}}, Map: map[string]map[int64]bool{"m": {1: true, 2: false}}},
		{ID: "a", At: time.UnixMilli(2).UTC()},
	}
	put(t, opened[defaulted](t, fmt.Sprintf("cassandra://%s:%d/%s.Made?create=true", c.Hosts()[0], c.Port(), ks)), 1, want...)
	got, bad := rowsOf[defaulted](t, tableAt[defaulted](t, c, ks+".Made", ""))
	for i := range got {
		if len(got[i].Blob) == 0 {
			got[i].Blob = nil // no bytes and none at all are one
		}
	}
	if len(bad) > 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, rejected %+v, want %+v", got, bad, want)
	}
}

var _ dstream.Examined = (*Source)(nil)
var _ dstream.Examined = (*Sink)(nil)
