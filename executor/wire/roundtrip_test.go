package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"pgregory.net/rapid"
)

// messages and reports are one of each kind: what is added to them is tested.
var messages = []Message{
	Begin{}, Action{}, Launch{}, Peers{}, Restore{}, Release{}, Cancel{}, Grant{}, Commit{}, Abort{}, Fetch{},
}

var reports = []Report{TaskDone{}, TaskFailed{}, Refused{}, Published{}, PublishFailed{}, Fetched{}, Restored{}, Waiting{}}

var samples = []error{
	nil, errors.New("no"), context.Canceled, fmt.Errorf("deep: %w", &rdd.FetchError{Block: rdd.Block{Stage: 1, Bucket: 7}, Err: io.EOF}),
}

// filled fills a value with whatever its type allows and the wire carries: numbers are not negative, and nothing is empty but not nil.
func filled(t *rapid.T, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMicro(rapid.Int64Range(0, 1<<50).Draw(t, "time")).UTC()))
		return
	case v.Type() == reflect.TypeFor[OutputAt]():
		v.Set(reflect.ValueOf(OutputAt{rapid.Int32Range(-1, 9).Draw(t, "peer"), rapid.Int32Min(0).Draw(t, "attempt"), rapid.Bool().Draw(t, "empty")}))
		return
	case v.Type() == reflect.TypeFor[rdd.Chunk]():
		v.Set(reflect.ValueOf(NewRawChunk(rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "frame"), rapid.IntRange(0, 1<<30).Draw(t, "rows"))))
		return
	case v.Type() == reflect.TypeFor[error]():
		if err := readError(&decoder{rest: appendError(nil, rapid.SampledFrom(samples).Draw(t, "error")), left: 1 << 20}); err != nil {
			v.Set(reflect.ValueOf(err))
		}
		return
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(rapid.Int32Min(0).Draw(t, "number")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "amount"))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "bits") & (1<<v.Type().Bits() - 1))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.String:
		v.SetString(rapid.StringMatching("[a-z]{0,5}").Draw(t, "text"))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				filled(t, v.Field(i))
			}
		}
	case reflect.Slice:
		if n := rapid.IntRange(0, 3).Draw(t, "elements"); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				filled(t, v.Index(i))
			}
		}
	case reflect.Map:
		if n := rapid.IntRange(0, 3).Draw(t, "entries"); n > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n {
				key, val := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				filled(t, key)
				filled(t, val)
				v.SetMapIndex(key, val)
			}
		}
	default:
		panic("no way to fill " + v.Type().String())
	}
}

// drawn draws up to five values of the kinds of all.
func drawn[M any](t *rapid.T, all []M) (out []M) {
	for range rapid.IntRange(0, 5).Draw(t, "messages") {
		v := reflect.New(reflect.TypeOf(rapid.SampledFrom(all).Draw(t, "kind"))).Elem()
		filled(t, v)
		if f, ok := v.Interface().(Fetched); ok {
			f.Chunks = f.Chunks[:min(len(f.Chunks), len(f.Partitions))]
			if len(f.Chunks) == 0 {
				f.Chunks = nil
			}
			v.Set(reflect.ValueOf(f))
		}
		out = append(out, v.Interface().(M))
	}
	return out
}

func TestMessagesComeBack(t *testing.T) {
	h := Header{Epoch: 3, Incarnation: 1 << 63, Graph: "g"}
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t, messages)
		number := rapid.Uint64().Draw(t, "number")
		frame, n, err := AppendMessages([]byte("before"), h, number, in)
		if err != nil || n != len(in) {
			t.Fatal(n, err)
		}
		for _, m := range in {
			if l, ok := m.(Launch); ok {
				for _, o := range l.Outputs {
					o.encoded.Store(nil)
				}
			}
		}
		got, out, err := new(Reader).Messages(frame[len("before"):], h)
		if err != nil || got != number || !reflect.DeepEqual(in, out) {
			t.Fatalf("%v\n in %#v\nout %#v", err, in, out)
		}
	})
}

func TestReportsComeBack(t *testing.T) {
	h := Header{Epoch: -3, Incarnation: 5}
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t, reports)
		frame, n, err := AppendReports(nil, h, 9, in)
		if err != nil || n != len(in) {
			t.Fatal(n, err)
		}
		got, out, err := new(Reader).Reports(frame, h)
		if err != nil || got != 9 || !reflect.DeepEqual(in, out) {
			t.Fatalf("%v\n in %#v\nout %#v", err, in, out)
		}
	})
}

func TestGreetingsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Attach
		var h Hello
		filled(t, reflect.ValueOf(&a).Elem())
		filled(t, reflect.ValueOf(&h).Elem())
		frame, err := AppendAttach(nil, a)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := new(Reader).Attach(frame); err != nil || got != a {
			t.Fatalf("%v: %#v, want %#v", err, got, a)
		}
		if frame, err = AppendHello(nil, h); err != nil {
			t.Fatal(err)
		}
		if got, err := new(Reader).Hello(frame); err != nil || !reflect.DeepEqual(got, h) {
			t.Fatalf("%v: %#v, want %#v", err, got, h)
		}
	})
}

// TestErrorsComeBack: the driver decides by what is in an error's chain, and shows its text.
func TestErrorsComeBack(t *testing.T) {
	full := &dstream.LossError{Lost: []dstream.Lost{{Split: "ads/3", From: 1, To: 4, Reason: "deleted"}}, Resume: dstream.Offsets("x")}
	bad := &dstream.BadRecordError{Source: "ads", Bad: dstream.BadRecord{Position: "f:1", Reason: "no number", Bytes: bytes.Repeat([]byte("x"), longestRecord+5)}}
	for name, c := range map[string]struct {
		err error
		has func(error) bool
	}{
		"plain":     {errors.New("no"), func(err error) bool { return !errors.Is(err, dstream.ErrPermanent) }},
		"permanent": {fmt.Errorf("a: %w", dstream.Permanent(errors.New("b"))), func(err error) bool { return errors.Is(err, dstream.ErrPermanent) }},
		"canceled":  {fmt.Errorf("a: %w", context.Canceled), func(err error) bool { return errors.Is(err, context.Canceled) }},
		"late":      {context.DeadlineExceeded, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
		"full disk": {errors.Join(syscall.EINTR, syscall.ENOSPC), func(err error) bool { return errors.Is(err, syscall.ENOSPC) }},
		"errno":     {fmt.Errorf("a: %w", syscall.EPIPE), func(err error) bool { return errors.Is(err, syscall.EPIPE) }},
		"fetch": {fmt.Errorf("a: %w", &rdd.FetchError{Block: rdd.Block{Program: 1, Stage: 2, Partition: 3, Bucket: 4}, Err: io.EOF}), func(err error) bool {
			var e *rdd.FetchError
			return errors.As(err, &e) && e.Block == rdd.Block{Program: 1, Stage: 2, Partition: 3, Bucket: 4} && e.Err.Error() == "EOF"
		}},
		"digest": {&DigestError{"a", "b"}, func(err error) bool {
			var e *DigestError
			return errors.As(err, &e) && *e == DigestError{"a", "b"}
		}},
		"epoch": {fmt.Errorf("a: %w", &EpochError{"w", 4, 3}), func(err error) bool {
			var e *EpochError
			return errors.As(err, &e) && *e == EpochError{"w", 4, 3}
		}},
		"loss": {full, func(err error) bool {
			var e *dstream.LossError
			return errors.As(err, &e) && reflect.DeepEqual(e, full)
		}},
		"bad record": {bad, func(err error) bool {
			var e *dstream.BadRecordError
			return errors.As(err, &e) && e.Error() == bad.Error() && len(e.Bad.Bytes) == longestRecord
		}},
		"panic": {fmt.Errorf("a: %w", &rdd.PanicError{Value: dstream.Permanent(errors.New("p")), Stack: "main.f()\n\tf.go:1"}), func(err error) bool {
			var e *rdd.PanicError
			return errors.As(err, &e) && e.Value == "p" && e.Stack == "main.f()\n\tf.go:1" && errors.Is(err, dstream.ErrPermanent)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 { // also from the driver to others
				d := &decoder{rest: appendError(nil, c.err), left: 1 << 20}
				got := readError(d)
				if d.close() != nil || got.Error() != c.err.Error() || !c.has(got) {
					t.Fatalf("%v: %v, want %v", d.err, got, c.err)
				}
				c.err = got
			}
		})
	}
}

func TestLongTextsAreCut(t *testing.T) {
	d := &decoder{rest: appendError(nil, errors.New(strings.Repeat("ä", longestText))), left: 1 << 20}
	got := readError(d).Error()
	if len(got) > longestText+8 || !strings.HasSuffix(got, "ä …") {
		t.Errorf("%d bytes, ending in %q", len(got), got[len(got)-8:])
	}
}

func TestForeignFramesAreRefused(t *testing.T) {
	h := Header{Epoch: 3, Incarnation: 4, Graph: "g"}
	for _, other := range []Header{{2, 4, "g"}, {4, 4, "g"}, {3, 5, "g"}, {3, 4, "h"}} {
		frame, _, err := AppendMessages(nil, other, 1, []Message{Commit{Epoch: 3, Batch: 1}})
		if err != nil {
			t.Fatal(err)
		}
		_, ms, err := new(Reader).Messages(frame, h)
		var foreign *ForeignError
		if !errors.As(err, &foreign) || foreign.Have != other || foreign.Want != h || ms != nil {
			t.Errorf("%v: %v %v", other, ms, err)
		}
	}
}

func TestRefusalsComeInsteadOfAnything(t *testing.T) {
	frame, err := AppendRefusal(nil, fmt.Errorf("a: %w", &EpochError{"w", 4, 3}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = new(Reader).Hello(frame)
	_, _, err2 := new(Reader).Reports(frame, Header{})
	for _, err := range []error{err, err2} {
		if !errors.As(err, new(*RefusedError)) || !errors.As(err, new(*EpochError)) {
			t.Error(err)
		}
	}
}

// TestFramesFill: what does not fit into a frame goes into the next one, in order.
func TestFramesFill(t *testing.T) {
	var in []Report
	for i := range 5 {
		in = append(in, Published{Batch: int64(i), Receipts: []SinkReceipt{{Receipt: dstream.Receipt{Body: make([]byte, fullFrame/2)}}}})
	}
	var sizes []int
	for rest := in; len(rest) > 0; {
		_, n, err := AppendReports(nil, Header{}, 1, rest)
		if err != nil {
			t.Fatal(err)
		}
		sizes, rest = append(sizes, n), rest[n:]
	}
	if !reflect.DeepEqual(sizes, []int{2, 2, 1}) {
		t.Error(sizes)
	}
}

func TestEncodedOnce(t *testing.T) {
	m := Begin{Epoch: 1, Plan: &dstream.Plan{Batch: 4}}
	e, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	frame, _, err := AppendMessages(nil, Header{}, 1, []Message{e, Commit{1, 4}})
	if err != nil {
		t.Fatal(err)
	}
	_, out, err := new(Reader).Messages(frame, Header{})
	if err != nil || !reflect.DeepEqual(out, []Message{m, Commit{1, 4}}) || !reflect.DeepEqual(Unwrap(e), m) {
		t.Errorf("%v: %#v", err, out)
	}
}

func TestOutputsAreEncodedOnce(t *testing.T) {
	o := &Outputs{Stage: 1, At: []OutputAt{{Peer: 3}}}
	first := appendOutputs(nil, o)
	o.At[0].Peer = 4 // which nobody may do: it shows that the second time is a copy
	if second := appendOutputs(nil, o); !bytes.Equal(first, second) {
		t.Error("it was encoded again")
	}
}

func TestChunksComeBack(t *testing.T) {
	shape, err := rdd.ShapeOf[string, int64]()
	if err != nil {
		t.Fatal(err)
	}
	rows := &rdd.Rows[string, int64]{Keys: []string{"a", "b", "c"}, Vals: []int64{1, 2, 3}, Tokens: []int64{7, 8, 9}}
	frame, _, err := AppendReports(nil, Header{}, 1, []Report{Fetched{Partitions: []int{0, 4}, Chunks: [][]rdd.Chunk{nil, {rows, rows.Slice(1, 2)}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, out, err := new(Reader).Reports(frame, Header{})
	if err != nil {
		t.Fatal(err)
	}
	chunks := out[0].(Fetched).Chunks
	if len(chunks) != 2 || len(chunks[0]) != 0 || chunks[1][0].Len() != 3 {
		t.Fatalf("%#v", chunks)
	}
	frame, _, err = AppendMessages(nil, Header{}, 1, []Message{Action{Recorded: chunks}}) // on to another worker, undecoded
	if err != nil {
		t.Fatal(err)
	}
	_, ms, err := new(Reader).Messages(frame, Header{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Open(append(ms[0].(Action).Recorded[1], chunks[1][0].Slice(2, 3), rows), shape)
	if err != nil {
		t.Fatal(err)
	}
	want := []int64{1, 2, 3, 2, 3, 1, 2, 3}
	var vals []int64
	for _, c := range got {
		vals = append(vals, c.(*rdd.Rows[string, int64]).Vals...)
	}
	if !reflect.DeepEqual(vals, want) || !reflect.DeepEqual(got[0].(*rdd.Rows[string, int64]).Tokens, rows.Tokens) {
		t.Errorf("%v, want %v", vals, want)
	}
}

func TestChunksAreNotTrusted(t *testing.T) {
	shape, err := rdd.ShapeOf[rdd.None, int64]()
	if err != nil {
		t.Fatal(err)
	}
	frame, err := frameOf(&rdd.Rows[rdd.None, int64]{Vals: []int64{1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*RawChunk{
		"other count": NewRawChunk(frame, 3), "nothing": NewRawChunk(nil, 0), "damaged": NewRawChunk(append(bytes.Clone(frame[:len(frame)-1]), 1), 2),
	} {
		if _, err := c.Open(shape); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
