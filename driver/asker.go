package driver

import (
	"context"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// asker asks one source what there is, never twice at the same time, and does not let a source that is slow to answer hold up the
// batch: it then gives an empty range, and the answer, when it comes, to the next batch.
type asker struct {
	source  dstream.SourceRef
	pending chan answer // of the question that is under way; nil = none
}

type answer struct {
	r   dstream.Range
	err error
}

// ask returns what comes after from. stalled: the source has not answered within patience.
func (a *asker) ask(ctx context.Context, from dstream.Offsets, limit dstream.Limit, patience time.Duration) (r dstream.Range, stalled bool, err error) {
	if a.pending == nil {
		a.pending = make(chan answer, 1)
		go func(to chan<- answer) {
			r, err := a.source.Plan(ctx, from, limit)
			to <- answer{r, err}
		}(a.pending)
	}
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case got := <-a.pending:
		a.pending = nil
		return got.r, false, got.err
	case <-t.C:
		return dstream.Range{To: from}, true, nil
	case <-ctx.Done():
		return r, false, ctx.Err()
	}
}

// wait waits for a question that is under way. ctx of ask has ended before.
func (a *asker) wait() {
	if a.pending != nil {
		<-a.pending
	}
}
