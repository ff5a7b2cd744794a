package wire

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawFrame(t *rapid.T) Frame {
	return Frame{
		Segment: rapid.SampledFrom([]string{"state/1.a-f.1.seg", "state/1.a-f.2.seg", "state/12.host.example-9.1.seg"}).Draw(t, "segment"),
		Offset:  rapid.Int64Range(0, 1<<62).Draw(t, "offset"), Length: rapid.Int64Range(0, 1<<61).Draw(t, "length"),
	}
}

func TestStateRefLivesThroughJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := StateRef{Step: rapid.String().Draw(t, "step"), Partition: rapid.IntRange(0, 1<<16).Draw(t, "partition")}
		if rapid.Bool().Draw(t, "base") {
			r.Base = drawFrame(t)
		}
		for range rapid.IntRange(0, 5).Draw(t, "deltas") {
			r.Deltas = append(r.Deltas, drawFrame(t))
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got StateRef
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !got.Same(r) {
			t.Fatalf("%+v became %s and then %+v", r, text, got)
		}
	})
}

// TestStateRefIsShort holds the JSON of a partition with a base and 32 deltas, as COMMIT has it, to a size.
func TestStateRefIsShort(t *testing.T) {
	r := StateRef{Step: "ads/count#1", Partition: 11, Base: Frame{"state/12.executor-3-9f3c5a7b01d2e4f6.17.seg", 8 << 20, 1 << 20}}
	for i := range int64(32) {
		r.Deltas = append(r.Deltas, Frame{"state/12.executor-3-9f3c5a7b01d2e4f6.18.seg", i * 400_000, 20_000})
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 500 {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

func TestStateRefRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"step":"s","base":"seg"}`:                                         "not a segment",
		`{"step":"s","base":" 0+1"}`:                                        "not a segment",
		`{"step":"s","base":"seg 0+1 0+1"}`:                                 "more than 1",
		`{"step":"s","base":"seg 0-1"}`:                                     "offset+length",
		`{"step":"s","base":"seg -1+1"}`:                                    "invalid",
		`{"step":"s","base":"seg 1y2p0ij32e8e7+1"}`:                         "beyond any file",
		`{"step":"s","base":"seg 1y2p0ij32e8e8+1"}`:                         "out of range",
		`{"step":"s","deltas":["seg` + strings.Repeat(" 0+1", 2000) + `"]}`: "more than 1024",
	} {
		var r StateRef
		if err := json.Unmarshal([]byte(text), &r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want one with %q", text, err, want)
		}
	}
}

func TestExtends(t *testing.T) {
	f := func(n int64) Frame { return Frame{"seg", n, 1} }
	r := StateRef{Step: "s", Base: f(1), Deltas: []Frame{f(2), f(3)}}
	for _, c := range []struct {
		o       StateRef
		extends bool
		same    bool
	}{
		{r, true, true},
		{StateRef{Step: "s", Base: f(1), Deltas: []Frame{f(2)}}, true, false},
		{StateRef{Step: "s", Base: f(1)}, true, false},
		{StateRef{Step: "s"}, false, false},
		{StateRef{Step: "s", Base: f(1), Deltas: []Frame{f(3)}}, false, false},
		{StateRef{Step: "s", Base: f(1), Deltas: []Frame{f(2), f(3), f(4)}}, false, false},
		{StateRef{Step: "t", Base: f(1), Deltas: r.Deltas}, false, false},
		{StateRef{Step: "s", Partition: 1, Base: f(1), Deltas: r.Deltas}, false, false},
	} {
		if r.Extends(c.o) != c.extends || r.Same(c.o) != c.same {
			t.Errorf("%+v: extends %v, same %v", c.o, r.Extends(c.o), r.Same(c.o))
		}
	}
}

func FuzzStateRef(f *testing.F) {
	f.Add([]byte(`{"step":"s","partition":3,"base":"state/1.a.1.seg 0+zz","deltas":["state/1.a.2.seg 5+1 0+2","x 1+1"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r, again StateRef
		if json.Unmarshal(text, &r) != nil {
			return
		}
		for _, p := range r.Frames() {
			if p.Offset < 0 || p.Length < 0 || p.Offset+p.Length < 0 || p.Segment == "" {
				t.Fatalf("%+v", p)
			}
		}
		out, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &again); err != nil || !reflect.DeepEqual(r, again) {
			t.Fatalf("%s: %v: %+v, want %+v", out, err, again, r)
		}
	})
}
