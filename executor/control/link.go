package control

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidemill/tidemill/executor/wire"
)

// What a stream ends with, beside errors of the network and *wire.RefusedError.
var (
	// ErrSilent says that nothing was heard of the other end for the time of Silence, or that this process did not run for so long.
	ErrSilent = errors.New("silence")
	// ErrOverrun says that a bounded queue was full: the other end, or the function that takes what came, does not keep up.
	ErrOverrun = errors.New("too much is queued")
	// ErrLost says that a frame is missing.
	ErrLost = errors.New("a frame was lost")
	// ErrClosed says that one end has closed the stream in good order.
	ErrClosed = errors.New("the stream was closed")
)

// The most messages that wait to be sent, and frames that wait to be taken.
const maxQueued, maxUntaken = 1 << 18, 1 << 12

// call is what both ends of a grpc stream can do.
type call interface {
	SendMsg(any) error
	RecvMsg(any) error
}

// terms are what an attachment has agreed on, and what differs between its ends.
type terms[Out, In any] struct {
	peer          string // for errors
	header        wire.Header
	beat, silence time.Duration
	encode        func(dst []byte, h wire.Header, number uint64, out []Out) ([]byte, int, error)
	decode        func(r *wire.Reader, frame []byte, want wire.Header) (number uint64, in []In, err error)
	take          func([]In) // called by one goroutine
	fault         Fault
	sent          func() // called after close, when all was sent
	ended         func() // called once, when the stream is over; may be nil
}

// link is one end of an attached stream. Three goroutines belong to it: one sends, one receives, one gives what came to take.
type link[Out, In any] struct {
	t     terms[Out, In]
	call  call
	began time.Time

	done   chan struct{} // closed when the stream is over, whatever the goroutines still do
	said   chan struct{} // closed when nothing is sent any more
	taken  chan struct{} // closed when take is not called any more
	gone   sync.WaitGroup
	wake   chan struct{}
	came   chan []In
	heard  atomic.Int64 // when the last frame came, since began
	strays atomic.Int64 // frames that were ignored
	watch  *time.Timer

	mu      sync.Mutex
	queue   []Out
	closing bool
	err     error // why it is over
	parting error // what the other end is told of it
}

// newLink makes a link. What is sent through it waits for start.
func newLink[Out, In any](c call, t terms[Out, In]) *link[Out, In] {
	l := &link[Out, In]{
		t: t, call: c, began: time.Now(), done: make(chan struct{}), said: make(chan struct{}), taken: make(chan struct{}),
		wake: make(chan struct{}, 1), came: make(chan []In, maxUntaken),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watch = time.AfterFunc(t.silence, l.listen)
	return l
}

// start sets the link going. It goes on until end is called, by one of its goroutines or from outside.
func (l *link[Out, In]) start() {
	l.gone.Go(l.sendAll)
	l.gone.Go(l.receiveAll)
	l.gone.Go(l.takeAll)
}

// end makes the stream be over. The first reason counts.
func (l *link[Out, In]) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	l.queue = nil
	l.watch.Stop()
	close(l.done)
	if l.t.ended != nil {
		l.t.ended()
	}
}

// dismiss ends the stream and tells the other end why.
func (l *link[Out, In]) dismiss(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.parting = err
	}
	l.mu.Unlock()
	l.end(err)
}

func (l *link[Out, In]) over() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

func (l *link[Out, In]) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// silent tells whether nothing was heard for too long, and ends the stream then. The clock goes on while a process is stopped.
func (l *link[Out, In]) silent() bool {
	quiet := time.Since(l.began) - time.Duration(l.heard.Load())
	if quiet < l.t.silence {
		return false
	}
	l.end(fmt.Errorf("%w: nothing was heard of %s for %v", ErrSilent, l.t.peer, quiet.Round(time.Millisecond)))
	return true
}

// listen looks again when the other end could have been silent for too long.
func (l *link[Out, In]) listen() {
	if !l.over() && !l.silent() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.watch.Reset(time.Duration(l.heard.Load()) + l.t.silence - time.Since(l.began))
	}
}

// send queues what is to be sent.
func (l *link[Out, In]) send(out ...Out) {
	l.mu.Lock()
	full := false
	if l.err == nil && !l.closing {
		l.queue = append(l.queue, out...)
		full = len(l.queue) > maxQueued
	}
	l.mu.Unlock()
	if full {
		l.end(fmt.Errorf("%w: more than %d messages for %s, which does not take them", ErrOverrun, maxQueued, l.t.peer))
	}
	l.stir()
}

// close lets what is queued be sent, and then the stream end.
func (l *link[Out, In]) close() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.stir()
}

func (l *link[Out, In]) stir() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// next returns what is queued, and whether more may come. sent is what it returned before, whose memory is used again.
func (l *link[Out, In]) next(sent []Out) (out []Out, more bool) {
	clear(sent)
	l.mu.Lock()
	defer l.mu.Unlock()
	out, l.queue = l.queue, sent[:0]
	return out, !l.closing
}
