package control

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/executor/wire"
)

// maxKept is the memory for frames that a sender keeps from one to the next.
const maxKept = 2 << 20

// sender makes the frames of a link and sends them. One goroutine uses it.
type sender[Out, In any] struct {
	l      *link[Out, In]
	line   line
	number uint64
	room   []byte      // for a frame
	broken atomic.Bool // nothing can be sent any more; set by who calls arrive
}

// sendAll sends what is queued at once, and a beat if nothing was sent for as long as a beat takes.
func (l *link[Out, In]) sendAll() {
	defer close(l.said)
	beat := time.NewTicker(l.t.beat)
	defer beat.Stop()
	s := &sender[Out, In]{l: l, line: line{fault: l.t.fault, direction: "send"}}
	s.line.arrive = s.arrive
	defer s.line.close()
	var out []Out
	more, spoke := true, false
	for more {
		due := false
		select {
		case <-l.done:
			s.line.close()
			s.part()
			return
		case <-l.wake:
			runtime.Gosched() // let those who are about to send say it in the same frame
		case <-beat.C:
			due, spoke = !spoke, false
		}
		out, more = l.next(out)
		if len(out) > 0 || due {
			spoke = spoke || !due
			if !s.send(out) {
				return
			}
		}
	}
	s.line.close()
	l.t.sent()
}

// send sends all of out, in as many frames as it takes, or a beat. It tells whether more can be sent.
func (s *sender[Out, In]) send(out []Out) bool {
	for first := true; first || len(out) > 0; first = false {
		s.number++
		frame, n, err := s.l.t.encode(s.room[:0], s.l.t.header, s.number, out)
		if err != nil {
			s.l.end(fmt.Errorf("to %s: %w", s.l.t.peer, err))
			return false
		}
		if s.room = frame; cap(frame) > maxKept {
			s.room = nil
		}
		if s.line.put(frame); s.broken.Load() {
			return false
		}
		out = out[n:]
	}
	return true
}

// arrive gives a frame to grpc, which waits while the other end does not read.
func (s *sender[Out, In]) arrive(frame []byte) {
	if s.broken.Load() {
		return
	}
	err := s.l.call.SendMsg(&outgoing{frame})
	if s.broken.Store(err != nil); err != nil && !errors.Is(err, io.EOF) { // io.EOF: what has happened is for the receiver to find out
		s.l.end(fmt.Errorf("send to %s: %w", s.l.t.peer, plain(err)))
	}
}

// part says why the stream is over, if there is something to say.
func (s *sender[Out, In]) part() {
	s.l.mu.Lock()
	why := s.l.parting
	s.l.mu.Unlock()
	if why == nil {
		return
	}
	if frame, err := wire.AppendRefusal(nil, why); err == nil {
		_ = s.l.call.SendMsg(&outgoing{frame}) // who is gone needs no farewell
	}
}
