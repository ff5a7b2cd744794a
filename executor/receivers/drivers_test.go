package receivers

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

// TestTwoDrivers: a driver of a higher epoch has looked, so that of a lower one can do nothing any more.
func TestTwoDrivers(t *testing.T) {
	w := newWorld(t, 3)
	old := w.driver(1, nil)
	old.append("a\n")
	old.sync()
	planned := old.w.Position(0)
	d := w.driver(2, planned)
	old.append("zombie\n")
	if _, _, err := old.w.Sync(t.Context()); !errors.Is(err, ErrReplaced) || !errors.Is(err, dstream.ErrPermanent) && err == nil {
		t.Errorf("got %v", err)
	}
	if err := old.w.Append(t.Context(), []byte("b"), false); !errors.Is(err, ErrReplaced) || !errors.Is(err, dstream.ErrPermanent) {
		t.Errorf("got %v", err)
	}
	if _, err := w.try(w.options(1), planned); !errors.Is(err, ErrReplaced) {
		t.Errorf("got %v", err)
	}
	q := request{Log: d.w.log, Epoch: 1, Segment: Segment{1, 1}, Segments: []Segment{{1, 1}, {2, 1}}, To: 2}
	for _, method := range []string{"List", "Append", "Seal", "Remove"} {
		for _, e := range w.all {
			if err := old.js.client.call(t.Context(), e.h, method, q, nil, nil); !errors.Is(err, ErrReplaced) {
				t.Errorf("%s: %v", method, err)
			}
		}
	}
	d.append("b\n")
	wantRead(t, d.split(0, d.sync()), "a\nb\n")
}

// TestEpochOutlivesTheExecutor: what it has refused it refuses after a restart too.
func TestEpochOutlivesTheExecutor(t *testing.T) {
	w := newWorld(t, 2)
	w.driver(5, nil).kill()
	for _, e := range w.all {
		e.lose()
		e.start()
	}
	if _, err := w.try(w.options(4), nil); !errors.Is(err, ErrReplaced) || !strings.Contains(err.Error(), "epoch 5") {
		t.Errorf("got %v", err)
	}
}

// TestZombieBehindACut writes on where the later driver could not look: what it writes never counts.
func TestZombieBehindACut(t *testing.T) {
	w := newWorld(t, 3)
	old := w.driver(1, nil)
	old.append("a\n")
	old.sync()
	planned := old.w.Position(0)
	cut := old.w.pieces[0].Holders[0]
	var hidden *ex
	for _, e := range w.all {
		if e.h == cut {
			hidden = e
		}
	}
	o := w.options(2)
	o.Live = func() []Holder { return slices.DeleteFunc(w.live(), func(h Holder) bool { return h == cut }) }
	hidden.lose()
	d, err := w.try(o, planned)
	if err != nil {
		t.Fatal(err)
	}
	hidden.start()
	d.append("b\n")
	wantRead(t, d.split(0, d.sync()), "a\nb\n")
	// The zombie reaches the hidden one only.
	q := request{Log: old.w.log, Epoch: 1, Segment: Segment{1, 9}, Start: 2, From: 2}
	if err := old.js.client.call(t.Context(), cut, "Append", q, dstream.AppendFrame(nil, []byte("zombie\n"), false), nil); err != nil {
		t.Fatal(err)
	}
	d.kill()
	d = w.driver(3, planned)
	wantRead(t, d.split(0, d.sync()), "a\nb\n")
}

// TestFreshStart: a later incarnation starts empty, and takes the room of the earlier one.
func TestFreshStart(t *testing.T) {
	w := newWorld(t, 2)
	d := w.driver(9, nil)
	d.append("a\n")
	d.sync()
	d.kill()
	o := w.options(1)
	o.Incarnation++
	d, err := w.try(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if end := d.sync(); end != 0 {
		t.Errorf("%d bytes are there", end)
	}
	for _, e := range w.all {
		if got := e.segments(); len(got) != 1 {
			t.Errorf("%q", got)
		}
	}
	if _, err := w.try(w.options(10), nil); !errors.Is(err, ErrReplaced) {
		t.Errorf("the earlier incarnation: %v", err)
	}
}

// TestFirstPlanNeverCame: what was acknowledged before any plan is found.
func TestFirstPlanNeverCame(t *testing.T) {
	w := newWorld(t, 3)
	d := w.driver(1, nil)
	d.append("a\n")
	d.sync()
	d.kill()
	d = w.driver(2, nil)
	wantRead(t, d.split(0, d.sync()), "a\n")
}

// TestDamage cuts a copy at every byte: the other one is read, and each byte that is left of both is found again.
func TestDamage(t *testing.T) {
	w := newWorld(t, 2)
	d := w.driver(1, nil)
	for _, l := range []string{"a\n", "bb\n", "ccc\n"} {
		d.append(l)
	}
	end := d.sync()
	s, planned := d.split(0, end), d.w.Position(0)
	d.kill()
	path := w.all[0].segments()[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		wantRead(t, s, "a\nbb\nccc\n")
	}
	flipped := slices.Clone(whole)
	flipped[len(flipped)-2] ^= 1
	if err := os.WriteFile(path, flipped, 0o600); err != nil {
		t.Fatal(err)
	}
	wantRead(t, s, "a\nbb\nccc\n")
	d = w.driver(2, planned)
	s = d.split(0, d.sync())
	wantRead(t, s, "a\nbb\nccc\n")
	w.all[1].lose() // what lay there alone was copied
	wantRead(t, s, "a\nbb\nccc\n")
}

// TestRemoval: committed segments go at all holders, also those that earlier drivers have left.
func TestRemoval(t *testing.T) {
	w := newWorld(t, 2)
	d := w.driver(1, nil)
	for i := range 60 {
		d.append(text(i))
		d.sync()
	}
	planned := d.w.Position(0)
	d.kill()
	d = w.driver(2, planned)
	d.append("z\n")
	end := d.sync()
	before := len(w.all[0].segments())
	if before < 3 || d.w.Length() != end {
		t.Fatalf("%d segments, length %d", before, d.w.Length())
	}
	if err := d.w.Remove(t.Context(), d.w.Position(end)); err != nil {
		t.Fatal(err)
	}
	if n := d.w.Length(); n > 2000 {
		t.Errorf("length %d", n)
	}
	for len(w.all[0].segments()) > 1 || len(w.all[1].segments()) > 1 { // a deadlock of the test if they do not go
		d.w.remover.add(file{}) // wakes it
	}
	d.kill()
	d = w.driver(3, d.w.Position(end))
	if got := d.sync(); got != end {
		t.Errorf("ends at %d, want %d", got, end)
	}
}
