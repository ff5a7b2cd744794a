package batchlog

import (
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/tidemill/tidemill/driver/store"
)

// Read verifies a log and says what it holds, without a lock and changing
// nothing. While a driver writes, it sees some recent state.
func Read(st store.Store) (Recovery, error) {
	for try := 1; ; try++ {
		c, err := load(st)
		if err == nil {
			var e store.Epoch
			if n := len(c.segs); n > 0 {
				e = c.segs[n-1].name.epoch
			}
			return c.life.recovery(e), nil
		}
		if !moving(err) || try == retries {
			return Recovery{}, err
		}
	}
}

// retries bounds how often a reader starts again because a running driver
// removed or added a file under it, which happens once in thousands of batches.
const retries = 20

// moving reports an error that a driver at work can cause for a reader.
func moving(err error) bool {
	var d *DamagedError
	return gone(err) || errors.As(err, &d) && d.Offset < 0
}

// History yields the records of a log from its oldest segment on, heads and
// copies left out, without a lock and changing nothing. It ends with the first
// error. While a driver writes, it ends at some recent record; history that is
// compacted away under it is skipped. A payload belongs to the caller.
func History(st store.Store) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		var done segmentName
		for try := 1; ; try++ {
			err := historyAfter(st, &done, yield)
			if err == nil || errors.Is(err, errStop) {
				return
			}
			if !moving(err) || try == retries {
				yield(Record{}, err)
				return
			}
		}
	}
}

// historyAfter yields the records of all segments after done, and moves it.
func historyAfter(st store.Store, done *segmentName, yield func(Record, error) bool) error {
	links, err := walk(st)
	if err != nil {
		return err
	}
	for _, k := range links {
		if !done.before(k.name) {
			continue
		}
		if err := history(st, k, yield); err != nil {
			return err
		}
		*done = k.name
	}
	return nil
}

// errStop ends a scan whose consumer has enough.
var errStop = errors.New("stop")

func history(st store.Store, k link, yield func(Record, error) bool) (err error) {
	s, r, err := openSegment(st, k.name, k.length)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	s.prev = k.prev
	for {
		rec, isCopy, err := s.next()
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, new(errBad)) && k.length < 0:
			_, err = s.tail(err)
			return err
		case errors.As(err, new(errBad)):
			return s.damaged(err.Error())
		case err != nil:
			return err
		}
		rec.Payload = bytes.Clone(rec.Payload)
		if !isCopy && rec.Type != segmentType && !yield(rec, nil) {
			return errStop
		}
	}
}
