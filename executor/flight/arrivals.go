package flight

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// ErrStalled says that a peer has sent nothing for Options.Stall while it was waited for.
var ErrStalled = errors.New("it sends nothing")

// arrivals is the stream of bytes that a call brings, as an io.Reader. Its first error is its last.
type arrivals struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  time.Duration
	call   grpc.ClientStream
	body   *mem.Reader // what is left of the message at hand; nil before the first
	err    error
}

// Read reads what there is in the message at hand.
func (a *arrivals) Read(p []byte) (int, error) {
	if err := a.fill(); err != nil {
		return 0, err
	}
	return a.body.Read(p)
}

// ReadByte reads a byte.
func (a *arrivals) ReadByte() (byte, error) {
	if err := a.fill(); err != nil {
		return 0, err
	}
	return a.body.ReadByte()
}

func (a *arrivals) uvarint() (uint64, error) { return binary.ReadUvarint(a) }

func (a *arrivals) text() (string, error) {
	n, err := a.uvarint()
	if err == nil && n > longestReason {
		err = fmt.Errorf("a reason of %d bytes", n)
	}
	if err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(a, text)
	return string(text), err
}

// fill receives messages until there is something to read.
func (a *arrivals) fill() error {
	for a.err == nil && (a.body == nil || a.body.Remaining() == 0) {
		var in incoming
		a.fail(a.watched(func() error { return a.call.RecvMsg(&in) }))
		if in.body != nil {
			a.body = in.body // all of the one before was read, which has freed it
		}
	}
	return a.err
}

// watched does something that waits for the peer, for at most as long as a stalled one is waited for.
func (a *arrivals) watched(wait func() error) error {
	watch := time.AfterFunc(a.stall, func() { a.cancel(fmt.Errorf("%w for %v", ErrStalled, a.stall)) })
	defer watch.Stop()
	err := wait()
	if cause := context.Cause(a.ctx); err != nil && cause != nil {
		return cause
	}
	return plain(err)
}

// fail notes an error after which nothing can be read.
func (a *arrivals) fail(err error) error {
	if a.err == nil && err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		a.err = err
	}
	return a.err
}
