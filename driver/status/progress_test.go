package status

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/driver/report"
)

// screen is a terminal that knows what the live line uses: \r, \n and "erase the line".
type screen struct {
	lines  [][]rune
	column int
	writes int
}

func newScreen() *screen { return &screen{lines: [][]rune{nil}} }

func (s *screen) Write(p []byte) (int, error) {
	s.writes++
	for text := string(p); text != ""; {
		last := &s.lines[len(s.lines)-1]
		if rest, ok := strings.CutPrefix(text, "\x1b[2K"); ok {
			*last = []rune(strings.Repeat(" ", s.column))
			text = rest
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		text = text[n:]
		switch r {
		case '\r':
			s.column = 0
		case '\n':
			s.lines, s.column = append(s.lines, nil), 0
		default:
			for len(*last) <= s.column {
				*last = append(*last, ' ')
			}
			(*last)[s.column] = r
			s.column++
		}
	}
	return len(p), nil
}

func (s *screen) String() string {
	var out []string
	for _, l := range s.lines {
		out = append(out, string(l))
	}
	return strings.Join(out, "\n")
}

// liveProgress shows n batches on a screen that is width wide.
func liveProgress(n int64, width int) (*Progress, *screen, *clock, *Board) {
	b, c := adsBoard(n)
	s := newScreen()
	return NewProgress(b, ProgressOptions{Out: s, Mode: Live, Width: func() int { return width }, Now: c.Now}), s, c, b
}

func TestLiveLine(t *testing.T) {
	p, s, c, b := liveProgress(3, 200)
	p.Refresh()
	if s.writes != 0 {
		t.Errorf("drawn before it was time: %q", s)
	}
	c.forward(100 * time.Millisecond)
	p.Refresh()
	p.Refresh()
	if want := "ads  batch 3  1.2 M rows/s  3.6 M rows  lag 56 ms  40.0 k rows left  late 21  dead 6  ⟂ state 1,200 keys"; s.String() != want || s.writes != 1 {
		t.Errorf("got  %q in %d writes\nwant %q in one", s, s.writes, want)
	}
	for n := int64(4); n < 200; n++ { // a batch every 5 ms
		c.forward(5 * time.Millisecond)
		b.Put(sample(n))
		p.Put(sample(n))
		p.Refresh()
	}
	if s.writes != 10 {
		t.Errorf("%d drawings in a second, want 10 at most", s.writes)
	}
	if got := s.String(); strings.Contains(got, "\n") || !strings.HasPrefix(got, "ads  batch 1") {
		t.Errorf("one line, rewritten, is %q", got)
	}
	p.End("all sources have ended")
	p.End("twice")
	p.Refresh()
	p.Put(broken(300))
	if want := "ads  ended: all sources have ended  199 batches  "; !strings.HasPrefix(s.String(), want) || strings.Count(s.String(), "\n") != 1 {
		t.Errorf("the end is %q, want %q and no more", s, want)
	}
}

func TestLineBeforeAnyBatch(t *testing.T) {
	p, s, c, b := liveProgress(0, 80)
	c.forward(time.Second)
	p.Refresh()
	if want := "ads  waiting for the first batch"; s.String() != want {
		t.Errorf("got %q, want %q", s, want)
	}
	b.SetRunning(&report.Batch{Batch: 1, Outcome: report.Running})
	c.forward(75 * time.Second)
	p.Refresh()
	if want := "ads  batch 1 running for 1 m 15 s"; s.String() != want {
		t.Errorf("got %q, want %q", s, want)
	}
}

func TestLineFits(t *testing.T) {
	for width := range 120 {
		p, s, c, _ := liveProgress(3, width)
		c.forward(time.Second)
		p.Refresh()
		if got := []rune(s.String()); len(got) > max(0, width-1) {
			t.Errorf("width %d: %q has %d columns", width, s, len(got))
		}
	}
	if got := fit([]string{"ads", "batch 3", "12 rows/s"}, 13); got != "ads  batch 3" {
		t.Errorf("what does not fit is left out whole, got %q", got)
	}
}

func TestEvents(t *testing.T) {
	for _, mode := range []Mode{Live, Plain} {
		b, c := adsBoard(3)
		s := newScreen()
		p := NewProgress(b, ProgressOptions{Out: s, Mode: mode, Now: c.Now})
		c.forward(time.Second)
		p.Refresh()
		redone := sample(4)
		redone.Redone = true
		p.Put(redone)
		p.Put(sample(5))
		p.Put(broken(6))
		want := "ads  batch 4 redone after a crash: 1,204,000 rows in 57 ms\n" +
			"ads  batch 6 failed: ledger of batch 24: exchange stage 0 → stage 1: sent 401,000 rows, received 400,997\n" +
			"    \tat job.go:17 <script>alert('rows')</script>\n" +
			"    �[31mthe bad record�[0m\n"
		if got := strings.TrimRight(s.String(), " "); got != want {
			t.Errorf("mode %d: got\n%s\nwant\n%s", mode, got, want)
		}
	}
}

func TestPlainLines(t *testing.T) {
	b, c := adsBoard(3)
	var out bytes.Buffer
	p := NewProgress(b, ProgressOptions{Out: &out, Now: c.Now}) // no terminal, so plain
	for range 100 {
		c.forward(100 * time.Millisecond)
		p.Refresh()
	}
	b.Put(sample(4))
	p.Refresh()
	fmt.Fprint(p, "a log line\n")
	if got := strings.Split(out.String(), "\n"); len(got) != 4 || got[2] != "a log line" ||
		!strings.HasPrefix(got[0], "ads  batch 3  ") || !strings.HasPrefix(got[1], "ads  batch 4  ") {
		t.Errorf("want a line after 5 s, none while nothing happens, one after the next batch:\n%s", &out)
	}
	if strings.ContainsAny(out.String(), "\x1b\r") {
		t.Errorf("a plain line moves the cursor: %q", &out)
	}
}

// Whatever is printed, by whomever and in which pieces, the screen shows exactly its lines and below them the live
// line.
func TestNothingIsCorrupted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s, c, b := liveProgress(2, rapid.IntRange(1, 100).Draw(t, "width"))
		around := p.Around(s)
		var sent [2]strings.Builder
		writers := []interface{ Write([]byte) (int, error) }{p, around}
		var want []string
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			c.forward(time.Duration(rapid.IntRange(0, 150).Draw(t, "ms")) * time.Millisecond)
			switch i := rapid.IntRange(0, 3).Draw(t, "who"); i {
			case 0, 1:
				text := rapid.StringMatching(`[a-c]{0,5}(\n[a-c]{0,5}){0,2}`).Draw(t, "text")
				sent[i].WriteString(text)
				fmt.Fprint(writers[i], text)
				whole := sent[i].String()
				if end := strings.LastIndexByte(whole, '\n'); end >= 0 {
					want = append(want, strings.Split(whole[:end], "\n")...)
					sent[i].Reset()
					sent[i].WriteString(whole[end+1:])
				}
			case 2:
				b.Put(sample(b.Summary().LastBatch + 1))
			}
			p.Refresh()
			if got := s.lines[:len(s.lines)-1]; fmt.Sprint(trim(got)) != fmt.Sprint(want) {
				t.Fatalf("the screen shows %q, want %q", trim(got), want)
			}
		}
		for i := range sent {
			if tail := sent[i].String(); tail != "" {
				want = append(want, tail)
			}
		}
		p.End("done")
		if got := trim(s.lines); len(got) != len(want)+2 || fmt.Sprint(got[:len(want)]) != fmt.Sprint(want) || !strings.HasPrefix(got[len(want)], "ads  ended: done") {
			t.Fatalf("at the end the screen shows %q, want %q and the end", got, want)
		}
	})
}

func trim(lines [][]rune) []string {
	var out []string
	for _, l := range lines {
		out = append(out, string(l))
	}
	return out
}

func TestAroundAFile(t *testing.T) {
	p, _, _, _ := liveProgress(1, 80)
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if p.Around(f) != f {
		t.Error("a file is not in the way of the live line, but is wrapped")
	}
	plain := NewProgress(NewBoard(Options{}), ProgressOptions{Out: f})
	if s := newScreen(); plain.Around(s) != s {
		t.Error("there is no live line, but the writer is wrapped")
	}
}

func TestEndlessLineIsBroken(t *testing.T) {
	p, s, _, _ := liveProgress(1, 80)
	for range maxTail/1024 + 1 {
		fmt.Fprint(p, strings.Repeat("x", 1024))
	}
	if got := len(s.lines[0]); got != maxTail {
		t.Errorf("%d characters are shown, want %d", got, maxTail)
	}
}

// Run draws by itself, ten times a second and no more, until it is told to end.
func TestRun(t *testing.T) {
	for mode, want := range map[Mode][2]int{Live: {80, 100}, Plain: {2, 2}} {
		synctest.Test(t, func(t *testing.T) {
			b := NewBoard(Options{})
			s := newScreen()
			p := NewProgress(b, ProgressOptions{Out: s, Mode: mode})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
			defer cancel()
			var group sync.WaitGroup
			group.Go(func() { p.Run(ctx) })
			for n := int64(1); ctx.Err() == nil; n++ {
				b.Put(sample(n))
				time.Sleep(5 * time.Millisecond) // of the bubble's clock: no time passes
			}
			group.Wait()
			if s.writes < want[0] || s.writes > want[1] {
				t.Errorf("mode %d: %d drawings in 10 s, want %v", mode, s.writes, want)
			}
		})
	}
}
