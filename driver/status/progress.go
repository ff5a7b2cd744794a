package status

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/tidemill/tidemill/driver/report"
)

// Mode is how [Progress] shows itself.
type Mode int

// The modes. Auto is Live on a terminal that can move its cursor, else Plain.
const (
	Auto  Mode = iota
	Live       // one line, rewritten in place
	Plain      // a line now and then
)

// ProgressOptions sets up a [Progress]. The zero value is usable.
type ProgressOptions struct {
	// Out is where it is shown. Default os.Stderr, so that a job's own output can be piped.
	Out io.Writer
	// Mode is Auto by default.
	Mode Mode
	// Width is the width of the terminal in columns; what does not fit is left out. Default: that of Out, or 80.
	Width func() int
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Redraw is the least time between two drawings of the live line. Default 100 ms.
	Redraw time.Duration
	// Every is the time between two plain lines. Default 5 s.
	Every time.Duration
}

func (o ProgressOptions) withDefaults() ProgressOptions {
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.Mode == Auto {
		o.Mode = Plain
		if isTerminal(o.Out) {
			o.Mode = Live
		}
	}
	if o.Width == nil {
		o.Width = func() int { return terminalWidth(o.Out) }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Redraw <= 0 {
		o.Redraw = 100 * time.Millisecond
	}
	if o.Every <= 0 {
		o.Every = 5 * time.Second
	}
	return o
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return 80
}

// Progress shows in a terminal or a log how a job gets on. Any goroutine may call any method. What else is printed
// to the terminal while it lives must go through it: log to the Progress itself, and give the job [Progress.Around]
// of its standard output.
type Progress struct {
	board *Board
	opt   ProgressOptions

	mu     sync.Mutex // guards all below, and is held while writing; taken before the board's
	own    *above
	around []*above
	drawn  bool      // the live line is on the screen, with the cursor at its end
	last   time.Time // when a line was last drawn
	told   int64     // batches at the last plain line
	ended  bool
}

// NewProgress returns a progress that shows board. It shows nothing before [Progress.Run] or [Progress.Refresh].
func NewProgress(board *Board, o ProgressOptions) *Progress {
	p := &Progress{board: board, opt: o.withDefaults()}
	p.own = &above{p: p, w: p.opt.Out}
	p.around = []*above{p.own}
	p.last = p.opt.Now()
	return p
}

// Run refreshes until ctx is done.
func (p *Progress) Run(ctx context.Context) {
	every := p.opt.Redraw
	if p.opt.Mode == Plain {
		every = p.opt.Every
	}
	tick := time.NewTicker(every / 4) // Refresh decides; a tick of the same length would often be just too early
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.Refresh()
		}
	}
}

// Refresh draws the line if it is time: Redraw after the last one when live, Every when plain and a batch has ended
// since.
func (p *Progress) Refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if p.opt.Mode == Live {
		p.draw()
		return
	}
	now := p.opt.Now()
	s := p.board.Summary()
	if now.Sub(p.last) < p.opt.Every || s.Batches == p.told {
		return
	}
	p.last, p.told = now, s.Batches
	p.write(p.opt.Out, join(p.segments(s))+"\n")
}

// Put tells of a batch if there is something to tell: that it failed, or was redone after a crash. For any other it
// costs nothing; the totals come from the board.
func (p *Progress) Put(r *report.Batch) {
	if r.Outcome != report.Failed && !r.Redone {
		return
	}
	p.event(told(r))
}

// End takes the live line away, prints how the job ended and why (nothing for a why of ""), and shows nothing afterwards. What is still written
// through it passes. Calling it again does nothing.
func (p *Progress) End(why string) {
	s, took := p.board.Summary(), p.board.uptime()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.erase()
	for _, a := range p.around {
		a.flush()
	}
	p.ended = true
	if why != "" {
		p.write(p.opt.Out, p.ending(s, took, why))
	}
}

// Write prints p above the live line, a whole line at a time: what does not end with one waits for the rest.
func (p *Progress) Write(text []byte) (int, error) { return p.own.Write(text) }

// Around returns a writer to w, say os.Stdout, that keeps the live line out of its way. If w is no terminal, or there
// is no live line, it is w itself.
func (p *Progress) Around(w io.Writer) io.Writer {
	if p.opt.Mode != Live || w != p.opt.Out && isFile(w) && !isTerminal(w) {
		return w
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := &above{p: p, w: w}
	p.around = append(p.around, a)
	return a
}

func isFile(w io.Writer) bool { _, ok := w.(*os.File); return ok }

func (p *Progress) event(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.erase()
	p.write(p.opt.Out, text)
	p.draw()
}

// write shows text. Its errors are not ours to mend: without a terminal there is nobody to show anything to.
func (p *Progress) write(w io.Writer, text string) { _, _ = io.WriteString(w, text) }

const eraseLine = "\r\x1b[2K" // to its start, and clear all of it: ECMA-48 EL 2

func (p *Progress) erase() {
	if p.drawn {
		p.write(p.opt.Out, eraseLine)
		p.drawn = false
	}
}

// draw draws the live line if it is time.
func (p *Progress) draw() {
	now := p.opt.Now()
	if p.opt.Mode != Live || now.Sub(p.last) < p.opt.Redraw {
		return
	}
	p.last = now
	line := fit(p.segments(p.board.Summary()), p.opt.Width()-1) // a full line would wrap on some terminals
	if p.drawn {
		line = eraseLine + line
	}
	p.write(p.opt.Out, line)
	p.drawn = true
}
