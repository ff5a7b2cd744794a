package fleet

import (
	"sync"

	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

// attachment is a stream to one incarnation of a worker. It keeps the order of what is told of it: Up, reports, Down.
type attachment struct {
	events *queue
	worker Worker
	pid    int
	stream stream
	exited chan string // holds why its process has ended, if the executor says so

	mu    sync.Mutex
	phase phase
	early []wire.Report // that came before Up was told
}

// phase is how far an attachment is.
type phase int

const (
	opening phase = iota
	open
	ended
)

func newAttachment(events *queue, w node.Worker) *attachment {
	return &attachment{events: events, pid: w.Pid, exited: make(chan string, 1)}
}

// report is called by the stream, also before opened is.
func (a *attachment) report(r []wire.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch a.phase {
	case opening:
		a.early = append(a.early, r...)
	case open:
		a.events.put(Report{a.worker, r})
	}
}

// opened tells that the worker is up.
func (a *attachment) opened(h wire.Hello) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase = open
	a.events.put(Up{a.worker, h})
	if len(a.early) > 0 {
		a.events.put(Report{a.worker, a.early})
		a.early = nil
	}
}

// closed tells that it is down. Reports that come later are dropped.
func (a *attachment) closed(why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.phase = ended
	a.events.put(Down{a.worker, why})
}

// exit notes why the process has ended.
func (a *attachment) exit(why string) {
	select {
	case a.exited <- why:
	default:
	}
}
