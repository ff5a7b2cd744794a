package cassandra

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/rdd/ring"
)

// Pauses between attempts, doubled from the first to the longest, each half at
// random so that several who lost against each other do not meet again.
const (
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
)

// partition is one of the table of files.
type partition struct{ checkpoint, folder string }

func (p partition) token() ring.Token {
	return ring.Murmur3(ring.AppendComposite(nil, []byte(p.checkpoint), []byte(p.folder)))
}

func chunkToken(id []byte, bucket int) ring.Token {
	return ring.Murmur3(ring.AppendComposite(nil, id, ring.AppendInt(nil, int32(bucket))))
}

// link sends statements, and repeats them for as long as its patience lasts.
// Every statement is such that to apply it again changes nothing.
type link struct {
	session *cql.Session
	set     settings
	ctx     context.Context // until the store is closed
	// fault, for tests, stands between an attempt and the cluster: it may fail it
	// before or after it is sent.
	fault func(text string, send func() error) error
}

func (l *link) attempt(text string, send func() error) error {
	if l.fault == nil {
		return send()
	}
	return l.fault(text, send)
}

// persist tries until try is done or fails for good, or patience ends. try
// returns done with an error if nothing mends it.
func (l *link) persist(try func(round int) (done bool, err error)) error {
	end := time.Now().Add(l.set.patience)
	for round, pause := 0, firstPause; ; round, pause = round+1, min(2*pause, longestPause) {
		done, err := try(round)
		if done {
			return err
		}
		wait := pause/2 + rand.N(pause/2)
		if time.Now().Add(wait).After(end) {
			return fmt.Errorf("no success within %v, it may or may not have been done (patience=): %w", l.set.patience, orBusy(err))
		}
		select {
		case <-l.ctx.Done():
			return errors.Join(errClosed, err)
		case <-time.After(wait):
		}
	}
}

var (
	errClosed = errors.New("the store is closed")
	errBusy   = errors.New("others changed the same folder again and again")
)

func orBusy(err error) error {
	if err == nil {
		return errBusy
	}
	return err
}

// mends tells whether another attempt may go better.
func mends(err error) bool {
	switch cql.Classify(err) {
	case cql.Lasting, cql.Ended:
		return false
	}
	return true
}

// ask reads at a consistency: scan is called anew in each attempt. It returns
// gocql.ErrNotFound as scan does.
func (l *link) ask(ctx context.Context, t ring.Token, c gocql.Consistency, st statement, scan func(q *gocql.Query) error) error {
	return l.persist(func(int) (bool, error) {
		err := l.attempt(st.text, func() error {
			return scan(l.session.Query(l.session.Route(ctx, l.set.keyspace, t), st.text, st.args...).Consistency(c))
		})
		return err == nil || errors.Is(err, gocql.ErrNotFound) || ctx.Err() != nil || !mends(err), err
	})
}

// one reads one row, if it is there.
func (l *link) one(t ring.Token, c gocql.Consistency, st statement, dest ...any) (found bool, err error) {
	err = l.ask(l.ctx, t, c, st, func(q *gocql.Query) error { return q.Scan(dest...) })
	if errors.Is(err, gocql.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// write sends a statement without a condition. Timestamps are ours, and count
// changes of a cell instead of telling the time: no clock can make a change
// vanish.
func (l *link) write(t ring.Token, timestamp int64, st statement) error {
	return l.persist(func(int) (bool, error) {
		err := l.attempt(st.text, func() error {
			return l.session.Query(l.session.Route(l.ctx, l.set.keyspace, t), st.text, st.args...).WithTimestamp(timestamp).Exec()
		})
		return err == nil || !mends(err), err
	})
}

// change applies statements to a partition of files at once, with their
// conditions. next returns them for each round; it looks at what is there, so
// that it finds out what became of a round whose answer was lost (such a look, at
// SERIAL, also ends a round that is stuck), and says done, or fails for good. In
// round 0 it may trust that nothing is there, which saves the look.
func (l *link) change(p partition, next func(round int) (sts []statement, done bool, err error)) error {
	return l.persist(func(round int) (bool, error) {
		sts, done, err := next(round)
		if done || err != nil {
			return true, err
		}
		var applied bool
		err = l.attempt(sts[0].text, func() (err error) {
			b := l.session.Batch(l.session.Route(l.ctx, l.set.keyspace, p.token())).SerialConsistency(l.set.serial)
			b.SetConsistency(l.set.quorum)
			for _, st := range sts {
				b.Query(st.text, st.args...)
			}
			applied, err = l.session.ExecuteBatchCAS(b)
			return err
		})
		return applied && err == nil || err != nil && !mends(err), err
	})
}

// serial is the consistency of reads that see every change.
func (l *link) serial() gocql.Consistency { return gocql.Consistency(l.set.serial) }
