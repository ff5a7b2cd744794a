package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

const (
	maxLine   = 1 << 20  // of which a longer one keeps so much
	readBytes = 64 << 10 // room for what is received at once
)

// receiver copies lines from the server into the log. Its goroutine ends with stop.
type receiver struct {
	address   string
	journal   dstream.JournalWriter
	reconnect bool
	backlog   int64
	freed     chan struct{} // the log may have become shorter
	wait      func(ctx context.Context, d time.Duration) error

	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine has ended

	mu    sync.Mutex // guards the rest
	err   error      // that ended it
	ended bool       // the server closed the connection, and that is the end
}

func (r *receiver) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	go func() {
		defer close(r.done)
		err := r.run(ctx)
		r.mu.Lock()
		defer r.mu.Unlock()
		if ctx.Err() == nil {
			r.err, r.ended = err, err == nil
		}
	}()
}

func (r *receiver) stop() {
	r.cancel()
	<-r.done
}

// state says whether the receiver has ended, and why.
func (r *receiver) state() (ended bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended, r.err
}

// Pauses before a connection is made again.
const firstPause, lastPause = 100 * time.Millisecond, 5 * time.Second

// run receives until the end. It returns an error only where trying again cannot help.
func (r *receiver) run(ctx context.Context) error {
	for pause := firstPause; ; {
		got, err := r.connect(ctx)
		var l *journalError
		switch {
		case ctx.Err() != nil || errors.As(err, &l):
			return err
		case err == nil && !r.reconnect:
			return nil
		case got:
			pause = firstPause
		}
		if err != nil && pause == firstPause {
			slog.Warn("socket source has no connection and tries again", "address", r.address, "err", err)
		}
		if err := r.wait(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, lastPause)
	}
}

// sleep waits.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// connect makes one connection and copies all that comes. got says that something came.
func (r *receiver) connect(ctx context.Context) (got bool, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.address)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	return r.copy(ctx, conn)
}

// journalError is an error of the log, not of the connection.
type journalError struct{ err error }

// Error says what it is an error of.
func (e *journalError) Error() string { return fmt.Sprintf("write the socket's log: %v", e.err) }

// Unwrap returns the file's error.
func (e *journalError) Unwrap() error { return e.err }

// copy appends whole lines to the log. The rest of a line waits in buf for its end.
func (r *receiver) copy(ctx context.Context, conn io.Reader) (got bool, err error) {
	put := func(payload []byte, flag uint32) error { return r.put(ctx, payload, flag) }
	c := &cutter{put: put}
	buf := make([]byte, 0, maxPayload)
	for {
		if err := r.room(ctx); err != nil {
			return got, err
		}
		n, err := conn.Read(buf[len(buf):min(cap(buf), len(buf)+readBytes)])
		got = got || n > 0
		left, failed := c.cut(buf[:len(buf)+n])
		if failed != nil {
			return got, failed
		}
		buf = buf[:copy(buf[:cap(buf)], left)]
		switch {
		case errors.Is(err, io.EOF):
			if len(buf) > 0 {
				return got, put(append(buf, '\n'), 0)
			}
			return got, nil
		case err != nil:
			return got, err
		}
	}
}

func (r *receiver) put(ctx context.Context, payload []byte, flag uint32) error {
	if err := r.journal.Append(ctx, payload, flag == overlong); err != nil {
		return &journalError{err}
	}
	return nil
}

// room waits until the log may grow.
func (r *receiver) room(ctx context.Context) error {
	for r.journal.Length() > r.backlog {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.freed:
		}
	}
	return nil
}

// cutter cuts what comes into whole lines.
type cutter struct {
	put  func(payload []byte, flag uint32) error
	skip bool // within the rest of a line that is too long
}

// cut puts the whole lines of b, and the beginning of one that is too long, and returns what is left for later.
func (c *cutter) cut(b []byte) (left []byte, err error) {
	if c.skip {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return nil, nil
		}
		c.skip, b = false, b[i+1:]
	}
	if i := bytes.LastIndexByte(b, '\n') + 1; i > 0 {
		if err := c.put(b[:i], 0); err != nil {
			return nil, err
		}
		b = b[i:]
	}
	if len(b) <= maxLine {
		return b, nil
	}
	c.skip = true
	return nil, c.put(b[:maxLine], overlong)
}
