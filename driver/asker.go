package driver

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// asker asks one source what there is, never twice at the same time, and does not let a source that is slow to answer hold up the
// batch: it then gives an empty range, and the answer, when it comes, to the next batch.
type asker struct {
	source  dstream.SourceRef
	accept  bool        // loss, in the first answer: what is lost later is another loss, which nobody has accepted
	pending chan answer // of the question that is under way; nil = none
}

// answer is what a source said, and to which question.
type answer struct {
	r     dstream.Range
	limit dstream.Limit
	lost  []dstream.Lost // accepted
	err   error
}

// ask returns what comes after from. stalled: the source has not answered within patience.
func (a *asker) ask(ctx context.Context, from dstream.Offsets, limit dstream.Limit, patience time.Duration) (got answer, stalled bool) {
	if a.pending == nil {
		a.pending = make(chan answer, 1)
		go func(to chan<- answer) { to <- a.plan(ctx, from, limit) }(a.pending)
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case got = <-a.pending:
		a.pending, a.accept = nil, false
		return got, false
	case <-t.C:
		return answer{r: dstream.Range{To: from}, limit: limit}, true
	case <-ctx.Done():
		return answer{err: ctx.Err()}, false
	}
}

// acceptable is how often a source may find in one answer that it has lost something: retention goes on while it looks.
const acceptable = 10

// plan asks the source, again after a loss that is accepted.
func (a *asker) plan(ctx context.Context, from dstream.Offsets, limit dstream.Limit) answer {
	got := answer{limit: limit}
	for range acceptable {
		got.r, got.err = a.source.Plan(ctx, from, limit)
		var loss *dstream.LossError
		if !a.accept || !errors.As(got.err, &loss) || bytes.Equal(loss.Resume, from) {
			break
		}
		got.lost = append(got.lost, loss.Lost...)
		from = loss.Resume
	}
	return got
}

// wait waits for a question that is under way. ctx of ask has ended before.
func (a *asker) wait() {
	if a.pending != nil {
		<-a.pending
	}
}
