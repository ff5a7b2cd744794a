package asof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cqltype"
)

// controlTable is where sinks say what they have written; package cassandra makes it.
const controlTable = "tidemill_sinks"

// mark is what a sink has written last.
type mark struct {
	batch, ts int64
}

// oldest is the batch that all have written, by its time: numbers begin again when a job is started over.
func oldest(marks []mark) mark {
	return slices.MinFunc(marks, func(a, b mark) int {
		switch {
		case a.ts < b.ts:
			return -1
		case a.ts > b.ts:
			return 1
		}
		return 0
	})
}

// level reports whether all sinks have written the same batch, so that none is ahead of the snapshot.
func level(marks []mark) bool {
	return !slices.ContainsFunc(marks, func(m mark) bool { return m != marks[0] })
}

// marks reads the marks of the sinks, in their order.
func (r *reader) marks(ctx context.Context) ([]mark, error) {
	out := make([]mark, len(r.o.Sinks))
	for i, s := range r.o.Sinks {
		keyspace, table, _ := strings.Cut(s.Table, ".")
		err := r.session.Query("SELECT last_batch, ts FROM "+cqltype.Quote(keyspace)+"."+controlTable+" WHERE job = ? AND sink = ? AND target = ?", r.o.Job, s.Name, table).
			WithContext(ctx).Consistency(r.o.Consistency).Scan(&out[i].batch, &out[i].ts)
		var answer gocql.RequestError
		switch {
		case errors.Is(err, gocql.ErrNotFound), errors.As(err, &answer) && answer.Code() == gocql.ErrCodeInvalid: // no row, or no such table
			return nil, &NoBatchError{r.o.Job, s.Name, s.Table, r.known(ctx, keyspace)}
		case err != nil:
			return nil, fmt.Errorf("asof: read what the sink %s has written: %w", s.Name, err)
		}
	}
	return out, nil
}

// known lists the sinks that a keyspace has marks of; none if they cannot be read.
func (r *reader) known(ctx context.Context, keyspace string) []string {
	iter := r.session.Query("SELECT job, sink, target FROM " + cqltype.Quote(keyspace) + "." + controlTable + " LIMIT 20").WithContext(ctx).Consistency(r.o.Consistency).Iter()
	var out []string
	var job, sink, table string
	for iter.Scan(&job, &sink, &table) {
		out = append(out, fmt.Sprintf("%s/%s (%s)", job, sink, table))
	}
	if iter.Close() != nil {
		return nil
	}
	slices.Sort(out)
	return out
}
