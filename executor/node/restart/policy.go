package restart

import (
	"fmt"
	"time"
)

const (
	firstDelay = 250 * time.Millisecond
	lastDelay  = 10 * time.Second
	// tooMany crashes in one batch are no coincidence.
	tooMany = 3
	// longRun counts as progress where the batch log cannot be read.
	longRun = time.Minute
)

// Decision is what to do about an exit.
type Decision struct {
	// Restart says to start the job again, After a time. Otherwise it is over.
	Restart bool
	After   time.Duration
	// Message is for the user, "" for nothing.
	Message string
}

// Policy decides about exits of a driver. The zero value is ready; it is used from one goroutine.
type Policy struct {
	crashes int // in a row without progress, the latest included
	delay   Backoff
	batch   int64
	known   bool
}

// Next takes the next exit of the job.
func (p *Policy) Next(e Exit) Decision {
	if !e.Crash {
		return Decision{}
	}
	if p.progressed(e) {
		p.crashes = 0
		p.delay.Reset()
	}
	p.crashes++
	p.batch, p.known = e.Batch, e.Known
	delay := p.delay.Next()
	if p.crashes == tooMany {
		return Decision{Message: fmt.Sprintf("the job crashed %d times %s (%s); not starting it again", p.crashes, where(e), e.Text)}
	}
	return Decision{Restart: true, After: delay, Message: fmt.Sprintf("the job crashed %s (%s); starting it again in %v", where(e), e.Text, delay)}
}

// progressed reports whether the job got further than at its last crash.
func (p *Policy) progressed(e Exit) bool {
	if e.Known {
		return !p.known || e.Batch != p.batch
	}
	return e.Ran >= longRun
}

func where(e Exit) string {
	if e.Known {
		return fmt.Sprintf("in the batch after %d", e.Batch)
	}
	return "before its first batch was committed"
}

// Backoff is how long to wait before the next start: 250 ms at first and then twice as long each time, up to 10 s. The zero value is
// ready.
type Backoff struct{ last time.Duration }

// Next is the next delay.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, firstDelay), lastDelay)
	return b.last
}

// Reset begins with the first delay again.
func (b *Backoff) Reset() { b.last = 0 }

// Ran resets it after a run of a minute, which was no crash at the start.
func (b *Backoff) Ran(d time.Duration) {
	if d >= longRun {
		b.Reset()
	}
}
