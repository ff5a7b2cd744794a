package receivers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
)

// Options say whose logs a driver writes, and where.
type Options struct {
	Job string
	// Incarnation is the life of the checkpoint, a number that is higher for a later one: when it was made, say. A log of an earlier one is
	// removed when the receiver's is opened.
	Incarnation int64
	Epoch       int64 // of the driver
	Credentials *identity.Credentials
	// Live are the executors that can be used now. It is asked whenever a segment begins.
	Live func() []Holder
	// Warn is called with what a person should know. Default: nobody is told.
	Warn func(string)
	// Waiting is called with what a log waits for; what it returns ends the wait. Default: nobody is told.
	Waiting func(string) func()

	// Answer is how long an executor may take for a call, before the log goes on without it. Default 3 s.
	Answer time.Duration
	// Patience is how long Open waits for an executor that holds what it goes on with, if the other one answers. Default 5 s.
	Patience time.Duration
	// Loss is how long Open waits if several do not answer, before it calls lost what they hold. Default 1 min.
	Loss time.Duration
	// SegmentBytes is the payload after which a segment is full. Default 8 MiB, at most 32 MiB.
	SegmentBytes int64
}

func (o Options) withDefaults() Options {
	if o.Live == nil {
		o.Live = func() []Holder { return nil }
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Waiting == nil {
		o.Waiting = func(string) func() { return func() {} }
	}
	for _, d := range []struct {
		to *time.Duration
		or time.Duration
	}{{&o.Answer, 3 * time.Second}, {&o.Patience, 5 * time.Second}, {&o.Loss, time.Minute}} {
		if *d.to <= 0 {
			*d.to = d.or
		}
	}
	if o.SegmentBytes <= 0 || o.SegmentBytes > maxSegment/2 {
		o.SegmentBytes = segmentBytes
	}
	return o
}

// Journals are the logs of a job's receivers. Safe for concurrent use. Close it after the sources.
type Journals struct {
	o      Options
	client client
	writes bool

	mu  sync.Mutex // guards all
	all map[string]*journal
}

// Open returns the logs for a driver. It calls nobody yet.
func Open(o Options) *Journals {
	o = o.withDefaults()
	js := NewReader(o.Credentials)
	js.o, js.writes, js.client.answer = o, true, o.Answer
	return js
}

// NewReader returns the logs for a worker, which can only read them: where they lie is in the splits.
func NewReader(c *identity.Credentials) *Journals {
	o := Options{Credentials: c}.withDefaults()
	return &Journals{o: o, client: client{credentials: c, answer: o.Answer, conns: map[string]*grpc.ClientConn{}}, all: map[string]*journal{}}
}

// Close closes the connections to executors. nil receiver: nothing.
func (js *Journals) Close() error {
	if js == nil {
		return nil
	}
	return js.client.Close()
}

// Journal is the log of a receiver, by the name of its source; for dstream.Place.
func (js *Journals) Journal(receiver string) dstream.Journal {
	js.mu.Lock()
	defer js.mu.Unlock()
	j := js.all[receiver]
	if j == nil {
		j = &journal{Journals: js, log: Log{js.o.Job, receiver, js.o.Incarnation}}
		js.all[receiver] = j
	}
	return j
}

// journal is one of them.
type journal struct {
	*Journals
	log   Log
	begun segments
}

// segments counts those that this process has begun: a number is not used twice, also if Open is called again.
type segments struct {
	mu sync.Mutex
	n  int64
}

func (s *segments) next() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return s.n
}

// Place reads a Position.
func (j *journal) Place(from dstream.Offsets) (int64, error) {
	p, err := parsePosition(from)
	return p.At, err
}

// Open finds what was acknowledged, and goes on behind it.
func (j *journal) Open(ctx context.Context, from dstream.Offsets) (dstream.JournalWriter, error) {
	if !j.writes {
		return nil, errors.New("a worker does not write logs of receivers")
	}
	p, err := parsePosition(from)
	if err != nil {
		return nil, err
	}
	w, err := j.recover(ctx, p, len(from) == 0)
	if err != nil {
		return nil, fmt.Errorf("log of receiver %q: %w", j.log.Receiver, err)
	}
	return w, nil
}

// Read reads a range from one of its holders each, from the next one if that fails.
func (j *journal) Read(ctx context.Context, s dstream.Split, each func(dstream.JournalRecord) (bool, error)) error {
	b, err := parseBody(s.Body)
	if err != nil {
		return err
	}
	r := reading{c: &j.client, log: b.Log, each: each}
	if _, err = r.pieces(ctx, b.Pieces, s.From, s.To); err != nil && r.failed == nil {
		return fmt.Errorf("log of receiver %q: %w", b.Log.Receiver, err)
	}
	return err
}
