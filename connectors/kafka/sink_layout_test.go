package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kgo"
)

// one writes a row and returns its record.
func one[T any](t *testing.T, path string, row T, deleted bool) *kgo.Record {
	t.Helper()
	c := fakeKafka(t)
	s := sinkFor[T](t, c.ListenAddrs(), path)
	r, err := s.Write(context.Background(), batchOf(1, 1), outputs([]T{row}, []bool{deleted}))
	if err != nil || r.Rows != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	records := mustRead(t, c)
	if len(records) != 1 {
		t.Fatalf("%d records", len(records))
	}
	return records[0]
}

func show(r *kgo.Record) string {
	var headers []string
	for _, h := range r.Headers {
		headers = append(headers, h.Key+"="+string(h.Value))
	}
	text := func(b []byte) string {
		if b == nil {
			return "null"
		}
		return string(b)
	}
	return fmt.Sprintf("%s → %s %v", text(r.Key), text(r.Value), headers)
}

type full struct {
	User    string            `col:"user" kafka:"key"`
	Trace   map[string]string `kafka:"headers"`
	To      *int32            `kafka:"partition"`
	At      *time.Time        `kafka:"timestamp"`
	Offset  int64             `kafka:"offset"`
	Page    string            `col:"page"`
	Seconds int               `col:"seconds"`
}

func TestRoles(t *testing.T) {
	three, at := int32(3), time.UnixMilli(1_700_000_000_123).UTC()
	row := full{User: "ann", Trace: map[string]string{"b": "2", "a": "1"}, Page: "p", Seconds: 4}
	r := one(t, "out", row, false)
	if got, want := show(r), `ann → {"page":"p","seconds":4} [a=1 b=2]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := batchOf(1, 1).Timestamp / 1000; r.Timestamp.UnixMilli() != want || r.Partition != partitionOf([]byte("ann"), 4) {
		t.Errorf("got partition %d, time %d, want %d and %d", r.Partition, r.Timestamp.UnixMilli(), partitionOf([]byte("ann"), 4), want)
	}
	row.To, row.At = &three, &at
	if r := one(t, "out", row, false); r.Partition != 3 || !r.Timestamp.Equal(at) {
		t.Errorf("got partition %d, time %s", r.Partition, r.Timestamp)
	}
	if got, want := show(one(t, "out?key_column=page", struct {
		Page string `col:"page"`
	}{"p"}, false)), `p → p []`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := show(one(t, "out?format=csv", row, false)), `ann → p,4 [a=1 b=2]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type seconds struct{ Campaign, Window int }

func TestUpserts(t *testing.T) {
	type count struct {
		Ad    string    `col:"ad,partition"`
		At    time.Time `col:"at,key"`
		Raw   []byte    `col:"raw,key"`
		N     uint64    `col:"n,key"`
		Count *int64    `col:"count"`
	}
	row := count{Ad: "<ü\"1", At: time.Unix(5, 1000).UTC(), Raw: []byte{1}, N: 7}
	key := `["<ü\"1","1970-01-01T00:00:05.000001Z","AQ==",7]`
	if got, want := show(one(t, "out", row, false)), key+` → {"ad":"<ü\"1","at":"1970-01-01T00:00:05.000001Z","raw":"AQ==","n":7,"count":null} []`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := show(one(t, "out", row, true)), key+` → null []`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s := sinkFor[count](t, []string{"127.0.0.1:1"}, "out")
	if got := strings.Join(s.By(), ","); got != "ad,at,n" || s.Partitions() != 0 {
		t.Errorf("rows are moved by %s", got)
	}
	type odd struct {
		Raw []byte `col:"raw,key"`
	}
	if s := sinkFor[odd](t, []string{"127.0.0.1:1"}, "out"); len(s.By()) != 0 || s.Partitions() != 1 {
		t.Errorf("rows are moved by %v to %d partitions", s.By(), s.Partitions())
	}
	type single struct {
		ID int16 `col:"id,key"`
	}
	if got, want := show(one(t, "out", single{-3}, false)), `-3 → {"id":-3} []`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValues(t *testing.T) {
	type raw struct {
		Key  []byte `kafka:"key"`
		Body []byte
	}
	if got, want := show(one(t, "out?format=bytes", raw{[]byte{}, []byte("\x00\n")}, false)), " → \x00\n []"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	type whole struct {
		Key   []byte  `kafka:"key"`
		Value *string `kafka:"value"`
		Gone  bool    `kafka:"tombstone"`
	}
	text := "text\n"
	for want, row := range map[string]whole{"k → text\n []": {[]byte("k"), &text, false}, "k → null []": {[]byte("k"), &text, true}, " → null []": {Key: []byte{}}} {
		if got := show(one(t, "out", row, false)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	type quoted struct{ A, B string }
	for _, v := range []quoted{{"x\ny", `"`}, {"\n\n", "\""}, {"", "a,b"}, {"\"\n\"", "\n"}} {
		c := fakeKafka(t)
		s := sinkFor[quoted](t, c.ListenAddrs(), "out?format=csv")
		write(t, s, batchOf(1, 1), v, quoted{"next", "line"}, v)
		esc := func(s string) string {
			if strings.ContainsAny(s, "\n\",") || s == "" {
				return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
			}
			return s
		}
		want := esc(v.A) + "," + esc(v.B)
		got := mustRead(t, c)
		if len(got) != 3 || string(got[0].Value) != want || string(got[1].Value) != "next,line" || string(got[2].Value) != want {
			t.Errorf("%q: got %d records, the first %q, want %q", v, len(got), got[0].Value, want)
		}
	}
	if got, want := show(one(t, "out", struct {
		K string `kafka:"key"`
	}{"k"}, false)), "k → {} []"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefusedTypes(t *testing.T) {
	open := func(name, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	at := []string{"127.0.0.1:1"}
	_, err := trySink[struct {
		A float64 `kafka:"key"`
	}](at, "out")
	open("float key", "cannot be a key", err)
	_, err = trySink[struct {
		A, B string `kafka:"key"`
	}](at, "out")
	open("two keys", "two fields", err)
	_, err = trySink[struct {
		A string `kafka:"partition"`
	}](at, "out")
	open("partition", "wants an integer", err)
	_, err = trySink[struct {
		A map[string]int `kafka:"headers"`
	}](at, "out")
	open("headers", "wants map[string]string", err)
	_, err = trySink[struct {
		A string `kafka:"kye"`
	}](at, "out")
	open("an unknown tag", "key", err)
	_, err = trySink[struct {
		A string `kafka:"value"`
	}](at, "out?format=json")
	open("value", "needs format=bytes", err)
	_, err = trySink[struct{ A, B string }](at, "out?format=bytes")
	open("bytes", "one column", err)
	_, err = trySink[struct {
		A string `kafka:"kye"`
	}](at, "out")
	open("an unknown tag", "key", err)
	open("tag", `kafka:"kye" is not known`, err)
	_, err = trySink[struct{ A string }](at, "out?key_column=b")
	open("key_column=", "no such column", err)
	_, err = trySink[string](at, "out?guarante=exactly_once")
	open("parameter", "guarante", err)
	_, err = trySink[string](at, "out?compression=rar")
	open("compression", "compression=rar", err)
	_, err = trySink[string](at, "a,b")
	open("two topics", "one topic", err)
	_, err = trySink[string](at, "")
	open("no topic", "one topic", err)
	_, err = trySink[seconds](at, "app.log")
	if err != nil {
		t.Errorf("the name of a topic is not that of a file: %v", err)
	}
}

func TestRefusedRows(t *testing.T) {
	c := fakeKafka(t)
	type to struct {
		P int64 `kafka:"partition"`
	}
	for name, try := range map[string]func() error{
		"names partition 4 of a topic that has 4": func() error {
			_, err := sinkFor[to](t, c.ListenAddrs(), "out").Write(context.Background(), batchOf(1, 1), rowsOf(to{4}))
			return err
		},
		"it has no key": func() error {
			_, err := sinkFor[seconds](t, c.ListenAddrs(), "out").Write(context.Background(), batchOf(1, 1), outputs([]seconds{{}}, []bool{true}))
			return err
		},
		"line end": func() error {
			_, err := sinkFor[string](t, c.ListenAddrs(), "out").Write(context.Background(), batchOf(1, 1), rowsOf("a\nb"))
			return err
		},
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), name) || !errors.Is(err, dstream.ErrPermanent) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := mustRead(t, c); len(got) != 0 {
		t.Errorf("%d records were written", len(got))
	}
}
