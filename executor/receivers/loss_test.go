package receivers

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

// TestHolderIsLostAtEachPoint loses one executor at each point of a call, and the driver behind it: what was acknowledged is there, once.
func TestHolderIsLostAtEachPoint(t *testing.T) {
	for _, c := range []struct{ method, point string }{
		{"Append", "before"}, {"Append", "after"}, {"Append", "torn"}, {"Append", "empty"}, {"Seal", "before"}, {"Seal", "after"}, {"Remove", "before"}, {"Read", "before"}, {"Read", "during"},
	} {
		for _, count := range []int{1, 3} {
			t.Run(fmt.Sprint(c.method, "/", c.point, "/", count), func(t *testing.T) {
				t.Parallel()
				lossAt(t, c.method, c.point, count)
			})
		}
	}
}

// faultAt loses an executor at the count-th time that a call of a method is at a point. "torn", "empty": after the call, and the last bytes of
// the file, or all, have not come to its disk.
func faultAt(victim *ex, method, point string, count int) func(m, p string) bool {
	damaged := point == "torn" || point == "empty"
	at := point
	if damaged {
		at = "after"
	}
	n := 0
	return func(m, p string) bool {
		if m != method || p != at {
			return false
		}
		if n++; n != count {
			return false
		}
		if damaged {
			victim.damage(point == "empty")
		}
		return true
	}
}

// damage takes some bytes, or all, from the last segment's file.
func (e *ex) damage(all bool) {
	files := e.segments()
	last := files[len(files)-1]
	st, err := os.Stat(last)
	if err != nil {
		e.t.Error(err)
		return
	}
	size := st.Size() - 5
	if all {
		size = 0
	}
	if err := os.Truncate(last, size); err != nil {
		e.t.Error(err)
	}
}

func lossAt(t *testing.T, method, point string, count int) {
	w := newWorld(t, 3)
	d := w.driver(1, nil)
	victim := w.all[0]
	for _, e := range w.all {
		if e.h == d.w.pieces[0].Holders[0] {
			victim = e
		}
	}
	victim.setFault(faultAt(victim, method, point, count))
	all := ""
	committed := int64(0)
	for i := range 120 {
		d.append(text(i))
		all += text(i)
		if i%7 == 0 {
			end := d.sync()
			wantRead(t, d.split(committed, end), all[committed:end])
			if i%21 == 0 {
				committed = end
				if err := d.w.Remove(t.Context(), d.w.Position(committed)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	planned := d.w.Position(committed)
	if end := d.sync(); end != int64(len(all)) {
		t.Errorf("%d bytes are acknowledged, want %d", end, len(all))
	}
	wantRead(t, d.split(committed, int64(len(all))), all[committed:])
	d.kill()
	victim.setFault(nil)

	next := w.driver(2, planned)
	end := next.sync()
	if end != int64(len(all)) {
		t.Fatalf("the next driver finds %d bytes, want %d", end, len(all))
	}
	wantRead(t, next.split(committed, end), all[committed:])
	next.append("more\n")
	end = next.sync()
	wantRead(t, next.split(committed, end), all[committed:]+"more\n")
}

// TestLostHolderComesBack writes on without one, which comes back with what it had; nothing of that confuses the next driver.
func TestLostHolderComesBack(t *testing.T) {
	w := newWorld(t, 3)
	d := w.driver(1, nil)
	all := ""
	put := func(d *driver, n int) {
		for i := range n {
			d.append(text(i))
			all += text(i)
		}
		d.sync()
	}
	planned := d.w.Position(0)
	for i := range 6 {
		put(d, 20)
		w.all[i%3].lose()
		put(d, 20)
		w.all[i%3].start()
		if i == 3 {
			d.kill()
			d = w.driver(2, planned)
		}
	}
	end := d.sync()
	wantRead(t, d.split(0, end), all)
	d.kill()
	d = w.driver(3, planned)
	if end := d.sync(); end != int64(len(all)) {
		t.Fatalf("found %d bytes, want %d", end, len(all))
	}
	wantRead(t, d.split(0, int64(len(all))), all)
}

// TestOneAlone goes on with one executor, says so, and is safe again with a second one.
func TestOneAlone(t *testing.T) {
	w := newWorld(t, 2)
	w.blind["ex-2"] = true
	d := w.driver(1, nil)
	d.append("a\n")
	d.sync()
	if !has(w.warns, "executor ex-1 alone keeps the log") || !has(w.waits, "a second executor for the log") {
		t.Errorf("said %q, waits for %q", w.warns, w.waits)
	}
	planned := d.w.Position(0)
	w.mu.Lock()
	w.blind["ex-2"] = false
	w.mu.Unlock()
	d.append("b\n")
	end := d.sync()
	if p := d.w.pieces; len(p) != 2 || len(p[0].Holders) != 1 || len(p[1].Holders) != 2 {
		t.Errorf("pieces %+v", p)
	}
	if d.w.alone != nil {
		t.Error("it still waits for a second one")
	}
	wantRead(t, d.split(0, end), "a\nb\n")
	d.kill()
	d = w.driver(2, planned) // which has what lay alone copied
	w.all[0].lose()
	wantRead(t, d.split(0, 4), "a\nb\n")
}

// TestNobody waits, and says so, until there is an executor.
func TestNobody(t *testing.T) {
	w := newWorld(t, 1)
	w.blind["ex-1"] = true
	o := w.options(1)
	told := make(chan string, 100)
	o.Waiting = func(s string) func() {
		select {
		case told <- s:
		default:
		}
		return func() {}
	}
	opened := make(chan error, 1)
	js := Open(o)
	defer js.Close()
	go func() {
		jw, err := js.Journal("lines").Open(t.Context(), nil)
		if err == nil {
			err = jw.Close()
		}
		opened <- err
	}()
	if s := <-told; !strings.Contains(s, "none is there") {
		t.Errorf("waits for %q", s)
	}
	w.mu.Lock()
	w.blind["ex-1"] = false
	w.mu.Unlock()
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

// TestLossIsTold loses both holders: the next driver says so, and goes on only where the user accepts it.
func TestLossIsTold(t *testing.T) {
	w := newWorld(t, 3)
	d := w.driver(1, nil)
	d.append("a\n")
	at := d.sync()
	planned := d.w.Position(at)
	d.append("b\n")
	d.sync()
	d.kill()
	holders := d.w.pieces[0].Holders
	for _, e := range w.all {
		if e.h == holders[0] || e.h == holders[1] {
			e.lose()
		}
	}
	_, err := w.try(w.options(2), planned)
	var loss *dstream.LossError
	if !errors.As(err, &loss) || !strings.Contains(err.Error(), holders[0].Name) || !strings.Contains(err.Error(), "--accept-loss") {
		t.Fatalf("got %v", err)
	}
	d = w.driver(2, loss.Resume)
	d.append("c\n")
	if end := d.sync(); end != 4 {
		t.Errorf("it ends at %d", end)
	}
	wantRead(t, d.split(2, 4), "c\n")
}

// TestGapIsTold loses all copies of a segment in the middle.
func TestGapIsTold(t *testing.T) {
	w := newWorld(t, 2)
	d := w.driver(1, nil)
	all := ""
	for i := range 100 {
		d.append(text(i))
		d.sync()
		all += text(i)
	}
	planned := d.w.Position(0)
	lost := d.w.pieces[1]
	if len(d.w.pieces) < 3 {
		t.Fatalf("pieces %+v", d.w.pieces)
	}
	d.kill()
	for _, e := range w.all {
		if err := os.Remove(e.dir + "/job/lines/" + lost.file(7)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.try(w.options(2), planned)
	var loss *dstream.LossError
	if !errors.As(err, &loss) || loss.Lost[0].From != lost.From || loss.Lost[0].To != lost.To {
		t.Fatalf("got %v", err)
	}
	d = w.driver(2, loss.Resume)
	end := d.sync()
	s := d.split(0, end)
	js := NewReader(nil)
	defer js.Close()
	got := ""
	if err := js.Journal("lines").Read(t.Context(), s, func(r dstream.JournalRecord) (bool, error) { got += string(r.Payload); return true, nil }); err != nil {
		t.Fatal(err)
	}
	if want := all[:lost.From] + all[lost.To:]; got != want || end != int64(len(all)) {
		t.Errorf("read %d bytes, want %d", len(got), len(want))
	}
	d.kill()
	if _, err = w.try(w.options(3), d.w.Position(0)); err != nil { // it stays accepted
		t.Error(err)
	}
}

// TestLastSegmentIsGone: the one before it tells that there was another.
func TestLastSegmentIsGone(t *testing.T) {
	w := newWorld(t, 2)
	d := w.driver(1, nil)
	for i := range 60 {
		d.append(text(i))
		d.sync()
	}
	last := d.w.pieces[len(d.w.pieces)-1]
	planned := d.w.Position(last.From)
	d.kill()
	for _, e := range w.all {
		if err := os.Remove(e.dir + "/job/lines/" + last.file(7)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.try(w.options(2), planned)
	var loss *dstream.LossError
	if !errors.As(err, &loss) || !strings.Contains(err.Error(), "more was acknowledged") {
		t.Fatalf("got %v", err)
	}
	w.driver(2, loss.Resume)
}

// TestBothHoldersHaveIt lets an executor refuse each second append, and live on: what is acknowledged can be read from either holder alone.
func TestBothHoldersHaveIt(t *testing.T) {
	w := newWorld(t, 3)
	refuse := 0
	for _, e := range w.all {
		e.setFault(nil)
		e.refuse = func(method string) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			refuse++
			return method == "Append" && refuse%5 == 0
		}
	}
	d := w.driver(1, nil)
	all := ""
	for i := range 30 {
		d.append(text(i))
		all += text(i)
		end := d.sync()
		for _, p := range d.w.pieces {
			if len(p.Holders) != 2 {
				continue // it says so, which another test looks at
			}
			for _, h := range p.Holders {
				one := p
				one.Holders = []Holder{h}
				wantRead(t, dstream.Split{From: p.From, To: p.To, Body: encode(body{d.w.log, []piece{one}})}, all[p.From:p.To])
			}
		}
		if end != int64(len(all)) {
			t.Fatalf("ends at %d", end)
		}
	}
}
