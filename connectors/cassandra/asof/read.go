package asof

import (
	"context"
	"slices"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/schema"
)

// Snapshot is the sinks' tables as of one committed batch. It is for the function that Read calls, and no longer than that runs; one goroutine uses it.
type Snapshot struct {
	r    *reader
	ctx  context.Context
	at   mark
	torn *TornError // the first row that is not as it was
}

// Batch is the number of the batch that was committed last.
func (s *Snapshot) Batch() int64 { return s.at.batch }

// Time is that batch's time.
func (s *Snapshot) Time() time.Time { return time.UnixMicro(s.at.ts).UTC() }

// Read calls read with a snapshot, again with a later one as long as what it read was not all as of one batch. What read has read counts once Read returns
// nil. An error of read's own is returned at once; if tables cannot be read as of one batch, it is a *TornError, and if a sink has not written any, a *NoBatchError.
func Read(ctx context.Context, session *gocql.Session, o Options, read func(*Snapshot) error) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	r := &reader{session: session, o: o, tables: map[string]*schema.Table{}}
	return attempts(ctx, o, r.marks, func(at mark) (*TornError, error) {
		s := &Snapshot{r: r, ctx: ctx, at: at}
		err := read(s)
		if s.torn != nil { // also if read hides it
			return s.torn, nil
		}
		return nil, err
	})
}

// reader has what outlives an attempt.
type reader struct {
	session *gocql.Session
	o       Options
	tables  map[string]*schema.Table // by sink
}

// attempts reads until what was read is as of one batch. marks asks what the sinks have written.
func attempts(ctx context.Context, o Options, marks func(context.Context) ([]mark, error), read func(mark) (*TornError, error)) error {
	strict := slices.ContainsFunc(o.Sinks, func(s Sink) bool { return !s.WrittenOnce })
	var last *TornError
	behind := int64(-1) // the ts of the attempt before
	for n := 1; ; n++ {
		before, err := await(ctx, o.Patience, strict, behind, marks)
		if err != nil {
			return err
		}
		at := oldest(before)
		if last != nil && at.ts <= behind {
			last.Stopped = true
			return last
		}
		torn, err := read(at)
		if err != nil {
			return err
		}
		if torn == nil && strict {
			torn, err = published(ctx, before, at, marks)
		}
		if torn == nil || err != nil {
			return err
		}
		last, behind = torn, at.ts
		last.Attempts, last.Batch, last.TS = n, at.batch, at.ts
		if n == o.Attempts {
			return last
		}
	}
}

// published says whether a batch was committed since the marks were read: it may have deleted rows, of which nothing is seen.
func published(ctx context.Context, before []mark, at mark, marks func(context.Context) ([]mark, error)) (*TornError, error) {
	after, err := marks(ctx)
	if err != nil || slices.Equal(before, after) {
		return nil, err
	}
	return &TornError{Batch: at.batch, TS: at.ts}, nil
}

// longestPause is how long after its commit a batch is noticed, at most: what is then left until the next one is the time to read in.
const longestPause = 8 * time.Millisecond

// await returns the marks once there is a batch behind the given time and, if rows are overwritten, no sink is ahead of the others: then nothing is lost yet. After
// its patience it returns what there is.
func await(ctx context.Context, patience time.Duration, strict bool, behind int64, marks func(context.Context) ([]mark, error)) ([]mark, error) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		got, err := marks(ctx)
		if err != nil || oldest(got).ts > behind && (!strict || level(got)) {
			return got, err
		}
		select {
		case <-time.After(pause):
		case <-limit.C:
			return got, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
