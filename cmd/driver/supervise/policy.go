package supervise

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

// Exit is how the job ended.
type Exit struct {
	// Crash says that it is to be started again.
	Crash bool
	// Status is the exit status, or 128 + the signal, as shells count.
	Status int
	// Text describes the end: "exit status 2", "signal: killed".
	Text string
	// Batch is the last batch that is committed; Known says that it could be read. A job that has not committed any
	// batch counts as not known.
	Batch int64
	Known bool
	// Ran is how long the job ran.
	Ran time.Duration
}

// Decision is what to do about an exit.
type Decision struct {
	// Restart says to start the job again, After a time. Otherwise it is over.
	Restart bool
	After   time.Duration
	// Message is for the user, "" for nothing.
	Message string
}

// Policy decides about exits. The zero value is ready; it is used from one goroutine.
type Policy struct {
	crashes int // in a row without progress, the latest included
	delay   time.Duration
	batch   int64
	known   bool
}

// Next takes the next exit of the job.
func (p *Policy) Next(e Exit) Decision {
	if !e.Crash {
		return Decision{}
	}
	if p.progressed(e) {
		p.crashes, p.delay = 0, 0
	}
	p.crashes++
	p.batch, p.known = e.Batch, e.Known
	p.delay = min(max(2*p.delay, firstDelay), lastDelay)
	if p.crashes == tooMany {
		return Decision{Message: fmt.Sprintf("the job crashed %d times %s (%s); not starting it again", p.crashes, where(e), e.Text)}
	}
	return Decision{Restart: true, After: p.delay, Message: fmt.Sprintf("the job crashed %s (%s); starting it again in %v", where(e), e.Text, p.delay)}
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
