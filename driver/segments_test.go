package driver

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor/wire"
)

// TestCollectSegments collects among segments of writers that live and of others.
func TestCollectSegments(t *testing.T) {
	st, err := store.OpenDir(t.TempDir(), store.DirOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	made := map[string]string{}
	write := func(epoch store.Epoch, writer string, n int) {
		s := &segments{st: st, epoch: epoch, writer: writer}
		for k := range n {
			name, seg, err := s.Create()
			if err != nil {
				t.Fatal(err)
			}
			if err := seg.Close(); err != nil {
				t.Fatal(err)
			}
			made[fmt.Sprint(epoch, writer, k+1)] = name
		}
	}
	write(3, "host.a-1", 3)  // of an epoch that is over
	write(4, "host.a-1", 4)  // attached
	write(4, "host.a-11", 2) // another incarnation, gone
	write(4, "b/c", 1)       // attached, and yet to be named
	if err := store.WriteFile(st, "state/notes.txt", nil); err != nil {
		t.Fatal(err)
	}
	at := func(id string) wire.Frame { return wire.Frame{Segment: made[id], Length: 1} }
	last := &commitRecord{States: map[string][]wire.StateRef{
		"s": {{Step: "s", Base: at("3host.a-12"), Deltas: []wire.Frame{at("4host.a-112"), at("4host.a-11")}}},
	}}
	retired := map[string]map[string]bool{
		"host.a-1": {made["4host.a-11"]: true, made["4host.a-12"]: true}, // the first is named by the COMMIT
		"b/c":      nil,
	}
	if err := collectSegments(st, 4, retired, last, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	left(t, st, "state/notes.txt", made["3host.a-12"], made["4host.a-11"], made["4host.a-13"], made["4host.a-14"], made["4host.a-112"], made["4b/c1"])

	// What was named is not any more; the worker that retired it has gone meanwhile or not.
	delete(retired, "b/c")
	if err := collectSegments(st, 4, retired, &commitRecord{}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	left(t, st, "state/notes.txt", made["4host.a-13"], made["4host.a-14"])
	if len(retired["host.a-1"]) > 0 {
		t.Errorf("%v is remembered for ever", retired)
	}
}

// left demands that these files are left in the folder of segments.
func left(t *testing.T, st store.Store, want ...string) {
	t.Helper()
	entries, err := st.List(stateFolder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}

func TestWriterOf(t *testing.T) {
	for name, want := range map[string]string{
		"state/3.host.example-1f.12.seg": "3.host.example-1f", "state/3..1.seg": "3.", "state/3.7.seg": "3",
	} {
		if got, ok := writerOf(name); got != want || !ok {
			t.Errorf("%s is %q's, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state/3.a.x.seg", "state/seg", "log/3.a.1.seg", "state/3.a.1.log", "state/3.a.-1.seg"} {
		if got, ok := writerOf(name); ok {
			t.Errorf("%s is taken for a segment of %q", name, got)
		}
	}
}
