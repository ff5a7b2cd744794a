package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
)

func init() {
	dstream.RegisterSource("socket", func(e dstream.Endpoint) (dstream.Connector, error) { return openSource(e) })
}

// Source is the lines of a server. It receives from the first Plan on; who only reads needs no more than the log.
type Source struct {
	address, dir string
	log          dstream.Journal // nil: files in dir
	reconnect    bool
	backlog      int64
	segment      int64
	pause        func(ctx context.Context, d time.Duration) error
	decoder      func() format.Decoder
	csv          bool

	receiver *receiver // nil before the first Plan; used by Plan, Committed and Close
}

// segmentBytes is what Read has in memory at once.
const segmentBytes = 8 << 20

func openSource(e dstream.Endpoint) (*Source, error) {
	if _, _, err := net.SplitHostPort(e.URL.Host); err != nil || e.URL.Path != "" {
		return nil, fmt.Errorf("%s: want socket://host:port", e.URL.Redacted())
	}
	if e.Scratch == "" && e.Journal == nil {
		return nil, fmt.Errorf("%s: a socket cannot be read again, so its lines need a log, for which there is no folder: give the job a checkpoint", e.URL.Redacted())
	}
	q := e.URL.Query()
	s := &Source{address: e.URL.Host, dir: e.Scratch, log: e.Journal, segment: segmentBytes, pause: sleep, csv: q.Get("format") == "csv"}
	p := param.Of(e.URL)
	s.reconnect, s.backlog = p.Bool("reconnect", true), p.Int("backlog", 1<<30, 1, 1<<50)
	if err := p.Bad(); err != nil {
		return nil, err
	}
	if q.Has("header") {
		return nil, fmt.Errorf("%s: lines of a socket have no header: leave header out; columns are the fields in their order", e.URL.Redacted())
	}
	if s.csv {
		u := *e.URL
		q.Set("header", "false")
		u.RawQuery = q.Encode()
		e.URL = &u
	}
	var err error
	if s.decoder, err = format.Open(e, p.Names()...); err != nil {
		return nil, err
	}
	return s, nil
}

// Plan hands out what has been received and is in the log.
func (s *Source) Plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at, err := s.journal().Place(from)
	if err != nil {
		return dstream.Range{}, fmt.Errorf("socket %s: %w", s.address, err)
	}
	if err := s.receive(ctx, from); err != nil {
		return dstream.Range{}, fmt.Errorf("socket %s: %w", s.address, err)
	}
	ended, err := s.receiver.state() // before the sync, so that nothing can come after its end
	if err != nil {
		return dstream.Range{}, fmt.Errorf("socket %s: %w", s.address, err)
	}
	kept, end, err := s.receiver.journal.Sync(ctx)
	if err != nil {
		return dstream.Range{}, fmt.Errorf("socket %s: sync the log: %w", s.address, err)
	}
	if len(from) == 0 {
		at = kept
	}
	to, err := s.upTo(ctx, at, end, limit)
	if err != nil {
		return dstream.Range{}, fmt.Errorf("socket %s: %w", s.address, err)
	}
	r := dstream.Range{To: s.receiver.journal.Position(to), Ended: ended && to == end}
	if to > at {
		r.Splits = []dstream.Split{{Name: s.address, From: at, To: to, Body: s.receiver.journal.Body(at, to)}}
	}
	return r, nil
}

// journal is where the lines are kept.
func (s *Source) journal() dstream.Journal {
	if s.log != nil {
		return s.log
	}
	return files{s.dir, s.segment}
}

// receive starts to receive.
func (s *Source) receive(ctx context.Context, from dstream.Offsets) error {
	if s.receiver != nil {
		return nil
	}
	j, err := s.journal().Open(ctx, from)
	if err != nil {
		return err
	}
	s.receiver = &receiver{
		address: s.address, journal: j, reconnect: s.reconnect, backlog: s.backlog,
		freed: make(chan struct{}, 1), wait: s.pause,
	}
	s.receiver.start()
	return nil
}

// upTo is how far a limit reaches: always at the end of a line.
func (s *Source) upTo(ctx context.Context, from, end int64, limit dstream.Limit) (int64, error) {
	if limit == (dstream.Limit{}) {
		return end, nil
	}
	to, rows := from, int64(0)
	all := dstream.Split{From: from, To: end, Body: s.receiver.journal.Body(from, end)}
	err := s.journal().Read(ctx, all, func(r dstream.JournalRecord) (bool, error) {
		for left := r.Payload; len(left) > 0; {
			if limit.Rows > 0 && rows >= limit.Rows || limit.Bytes > 0 && to-from >= limit.Bytes {
				return false, ctx.Err()
			}
			n := len(left) // a line that is too long has no end
			if !r.Cut {
				n = bytes.IndexByte(left, '\n') + 1
			}
			left = left[n:]
			to += int64(n)
			rows++
		}
		return true, ctx.Err()
	})
	return to, err
}

// Read decodes the lines of a range of the log.
func (s *Source) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (fetched int64, err error) {
	d := s.decoder()
	if c.From > 0 {
		d.Start([]byte{'\n'}) // a byte order mark is no longer allowed
	}
	err = s.journal().Read(ctx, c, func(r dstream.JournalRecord) (bool, error) {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n, err := s.decode(d, r, to)
		fetched += n
		return err == nil, err
	})
	return fetched, err
}

// decode decodes the lines of a record, all of which end in it.
func (s *Source) decode(d format.Decoder, r dstream.JournalRecord, to *dstream.Reader) (fetched int64, err error) {
	position := func(offset int) string { return s.address + "@" + strconv.FormatInt(r.At+int64(offset), 10) }
	switch {
	case r.Cut:
		return 1, to.Reject(dstream.BadRecord{Position: position(0), Bytes: r.Payload, Reason: fmt.Sprintf("longer than %d bytes, of which this is the beginning", maxLine)})
	case !s.csv:
		_, n, err := d.Decode(r.Payload, true, position, to)
		return n, err
	}
	for b := r.Payload; len(b) > 0; { // one by one, so that an open quote does not reach beyond its line
		n := bytes.IndexByte(b, '\n') + 1
		if line := bytes.TrimSuffix(b[:n-1], []byte{'\r'}); len(line) > 0 {
			fetched++
			if err := d.DecodeRecord(b[:n:n], position(len(r.Payload)-len(b)), to); err != nil {
				return fetched, err
			}
		}
		b = b[n:]
	}
	return fetched, nil
}

// Committed deletes the parts of the log all of whose lines are committed.
func (s *Source) Committed(ctx context.Context, upTo dstream.Offsets) error {
	if s.receiver == nil {
		return nil
	}
	if err := s.receiver.journal.Remove(ctx, upTo); err != nil {
		return fmt.Errorf("socket %s: shorten the log: %w", s.address, err)
	}
	select {
	case s.receiver.freed <- struct{}{}:
	default: // it knows already
	}
	return nil
}

// Close stops receiving.
func (s *Source) Close() error {
	if s.receiver == nil {
		return nil
	}
	s.receiver.stop()
	_, err := s.receiver.state()
	return errors.Join(err, s.receiver.journal.Close())
}
