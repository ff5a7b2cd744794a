package control

import (
	"slices"
	"sync"
	"time"
)

// Delivery is what becomes of a frame under faults: Frame comes After so long.
type Delivery struct {
	After time.Duration
	Frame []byte
}

// Fault says what becomes of a frame, for tests: none delivers it never, two deliver it twice. direction is "send" or "receive", as seen
// by the end that the fault is put into; the frame stays valid. It is called by one goroutine for each direction.
type Fault func(direction string, frame []byte) []Delivery

// line is one direction of a stream with faults in it.
type line struct {
	fault     Fault
	direction string
	arrive    func(frame []byte)

	mu     sync.Mutex // held while a frame arrives
	closed bool
	late   map[*time.Timer]bool
}

// put lets a frame go through the line.
func (l *line) put(frame []byte) {
	if l.fault == nil {
		l.arrive(frame)
		return
	}
	frame = slices.Clone(frame) // its memory is reused
	for _, d := range l.fault(l.direction, frame) {
		if d.After <= 0 {
			l.now(d.Frame)
		} else {
			l.later(d)
		}
	}
}

func (l *line) now(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.arrive(frame)
	}
}

func (l *line) later(d Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.late == nil {
		l.late = map[*time.Timer]bool{}
	}
	var t *time.Timer
	t = time.AfterFunc(d.After, func() {
		l.now(d.Frame)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.late, t)
	})
	l.late[t] = true
}

// close drops what is still late. Nothing arrives any more.
func (l *line) close() {
	if l.fault == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for t := range l.late {
		t.Stop()
	}
}
