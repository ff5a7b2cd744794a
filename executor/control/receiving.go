package control

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tidemill/tidemill/executor/wire"
)

// receiver takes the frames of a link, one at a time.
type receiver[Out, In any] struct {
	l      *link[Out, In]
	reader wire.Reader
	number uint64 // of the last frame
}

// receiveAll takes frames until the call is over.
func (l *link[Out, In]) receiveAll() {
	r := &receiver[Out, In]{l: l}
	in := &line{fault: l.t.fault, direction: "receive", arrive: r.arrive}
	defer in.close()
	for {
		err := l.call.RecvMsg(&incoming{in.put})
		switch {
		case l.over():
			return
		case errors.Is(err, io.EOF): // in good order, so what came before counts
			l.pass(nil)
			return
		case err != nil:
			l.end(fmt.Errorf("connection to %s: %w", l.t.peer, plain(err)))
			return
		}
	}
}

// arrive decodes a frame and passes on what is in it, if the frame is of this attachment and the next one.
func (r *receiver[Out, In]) arrive(frame []byte) {
	l := r.l
	number, in, err := l.t.decode(&r.reader, frame, l.t.header)
	var refused *wire.RefusedError
	switch {
	case l.over() || l.silent():
		return
	case errors.As(err, &refused):
		l.end(fmt.Errorf("%s: %w", l.t.peer, refused))
		return
	case errors.As(err, new(*wire.ForeignError)), err == nil && number <= r.number:
		l.strays.Add(1)
		return
	case err == nil && number > r.number+1:
		err = fmt.Errorf("%w: number %d came after %d", ErrLost, number, r.number)
	}
	if err != nil {
		l.end(fmt.Errorf("from %s: %w", l.t.peer, err))
		return
	}
	r.number = number
	l.heard.Store(int64(time.Since(l.began)))
	if len(in) > 0 {
		l.pass(in)
	}
}

// pass queues what came for takeAll; nil is the end. It never waits: time that is spent here would count as silence.
func (l *link[Out, In]) pass(in []In) {
	select {
	case l.came <- in:
	default:
		l.end(fmt.Errorf("%w: %d frames of %s were not taken", ErrOverrun, maxUntaken, l.t.peer))
	}
}

// takeAll gives away what came. Each time it makes sure that the stream still stands: this process may have been stopped since.
func (l *link[Out, In]) takeAll() {
	defer close(l.taken)
	for {
		select {
		case <-l.done:
			return
		case in := <-l.came:
			switch {
			case l.over() || l.silent():
				return
			case in == nil:
				l.end(fmt.Errorf("%w by %s", ErrClosed, l.t.peer))
				return
			}
			l.t.take(in)
		}
	}
}
