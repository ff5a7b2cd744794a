package dstream

import (
	"fmt"
	"time"
)

// Window is a span of time: rows of [Start, End).
type Window struct{ Start, End time.Time }

// WindowSpec says which windows a row belongs to. Windows are aligned with the Unix epoch.
type WindowSpec struct {
	Length time.Duration // of each window
	Slide  time.Duration // between the starts of two; default: Length
}

// Tumbling windows follow each other without overlap.
func Tumbling(d time.Duration) WindowSpec { return WindowSpec{Length: d, Slide: d} }

// Sliding windows of a length start each slide. Rows between windows (slide > length) belong to none.
func Sliding(length, slide time.Duration) WindowSpec { return WindowSpec{Length: length, Slide: slide} }

// EmitMode says when a window's result comes out.
type EmitMode int

// The modes. In each, later results of a window replace earlier ones.
const (
	// OnClose: once the watermark has passed the window's end, and again, for the keys that changed, when late rows within the allowed
	// lateness change it.
	OnClose EmitMode = iota
	// OnChange: in each batch that changed it, for the keys that changed.
	OnChange
)

// panes is the arithmetic of windows in µs: rows are folded into panes of gcd(length, slide), and a window is a run of panes.
type panes struct {
	length, slide, size int64
	lateness            int64
	// whole: rows are results of windows, each with the time of its window's end less 1 µs, and belong to that window alone. It is
	// its own pane, though others may overlap it.
	whole bool
}

func (w WindowSpec) panes() (panes, error) {
	if w.Slide == 0 {
		w.Slide = w.Length
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{{"length", w.Length}, {"slide", w.Slide}} {
		if d.d <= 0 || d.d%time.Microsecond != 0 {
			return panes{}, fmt.Errorf("window %s %v: it takes a positive number of microseconds", d.name, d.d)
		}
	}
	p := panes{length: w.Length.Microseconds(), slide: w.Slide.Microseconds()}
	p.size = gcd(p.length, p.slide)
	return p, nil
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// floor is the greatest multiple of unit that is not after t, also before the epoch.
func floor(t, unit int64) int64 {
	r := t % unit
	if r < 0 {
		r += unit
	}
	return t - r
}

// pane returns the start of the pane of a row, and the times [from, to) of the rows that share it.
func (p *panes) pane(t int64) (start, from, to int64) {
	if p.whole {
		return t + 1 - p.length, t, t + 1
	}
	start = floor(t, p.size)
	return start, start, start + p.size
}

// first and last return the ends of the first and the last window that a pane belongs to; first > last: to none, since slide >
// length and it lies between two windows.
func (p *panes) first(pane int64) int64 {
	if p.whole {
		return pane + p.length
	}
	return floor(pane-p.length, p.slide) + p.slide + p.length
}

func (p *panes) last(pane int64) int64 {
	if p.whole {
		return pane + p.length
	}
	return floor(pane, p.slide) + p.length
}

// after returns the end of the first window of a pane that ends behind a time.
func (p *panes) after(pane, behind int64) int64 {
	end := p.first(pane)
	if end <= behind {
		end += ((behind-end)/p.slide + 1) * p.slide
	}
	return end
}

// late tells whether all windows of a pane, and the lateness allowed after them, lie behind the watermark.
func (p *panes) late(pane, mark int64) bool { return p.last(pane)+p.lateness <= mark }

// none tells whether a pane lies between windows.
func (p *panes) none(pane int64) bool { return p.first(pane) > p.last(pane) }
