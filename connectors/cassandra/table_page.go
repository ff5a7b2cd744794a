package cassandra

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/ring"
)

// The rows of a page. Nobody knows how big rows are before they have come, so the first page has few.
const (
	firstPage = 64
	mostRows  = 50_000
	growth    = 8 // of one page over the one before, at most
)

// pages fetches the rows of a range of tokens page by page: each is asked for when the one before it has come. One goroutine uses it.
type pages struct {
	s        *Source
	text     string
	from, to int64 // tokens (from, to]
	size     int   // rows of the next page

	asked chan fetchedPage // the page that was asked for; nil = none
	begun bool
}

type fetchedPage struct {
	rows *gocql.Iter
	err  error
}

// next returns the rows of the next page, which the caller closes; nil at the end.
func (p *pages) next(ctx context.Context) (*gocql.Iter, error) {
	if !p.begun {
		p.begun = true
		p.ask(ctx, nil)
	}
	if p.asked == nil {
		return nil, nil
	}
	got := <-p.asked
	p.asked = nil
	if got.err != nil {
		return nil, got.err
	}
	if state := got.rows.PageState(); len(state) > 0 {
		p.ask(ctx, state)
	}
	return got.rows, nil
}

func (p *pages) ask(ctx context.Context, state []byte) {
	p.asked = make(chan fetchedPage, 1)
	go func(to chan<- fetchedPage, size int) {
		rows, err := p.fetch(ctx, state, size)
		to <- fetchedPage{rows, err}
	}(p.asked, p.size)
}

// stop waits for what is under way, whose context has ended.
func (p *pages) stop() {
	if p.asked == nil {
		return
	}
	if got := <-p.asked; got.err == nil {
		_ = got.rows.Close() // nobody wants it any more
	}
	p.asked = nil
}

// resize aims at pages of the wanted size, from the bytes and rows of one that came.
func (p *pages) resize(bytes int64, rows int) {
	if rows == 0 {
		return
	}
	mean := max(1, bytes/int64(rows))
	p.size = int(min(max(1, p.s.pageBytes/mean), int64(p.size)*growth, mostRows))
}

// tries is how often a page is asked for again that fails for a reason which may pass, but is not that somebody is away.
const tries = 5

// fetch asks the replicas of the range for a page until one answers. The state of a page is the same to all of them.
func (p *pages) fetch(ctx context.Context, state []byte, size int) (*gocql.Iter, error) {
	resume := func() {}
	for failed, wait := 0, 50*time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		rows, err := p.attempt(ctx, state, size)
		resume()
		if err == nil {
			return rows, nil
		}
		class := cql.Classify(err)
		if class == cql.Failed {
			failed++
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case class == cql.Lasting, failed == tries:
			return nil, fmt.Errorf("read the rows of %s in (%d, %d]: %w", p.s.token, p.from, p.to, err)
		case class == cql.Slow:
			size = max(1, size/2)
		}
		resume = dstream.Waiting(ctx, fmt.Sprintf("cassandra table %s: %s: %v", p.s.name(), class, err))
		select {
		case <-time.After(wait/2 + rand.N(wait)): // spread, so that not all ask a node that came back at once
		case <-ctx.Done():
			resume()
			return nil, ctx.Err()
		}
	}
}

// attempt asks once. gocql hides the error of an answer without rows until the answer is closed.
func (p *pages) attempt(ctx context.Context, state []byte, size int) (*gocql.Iter, error) {
	rows := p.s.session.Query(p.s.session.Route(ctx, p.s.keyspace, ring.Token(p.from+1)), p.text, p.from, p.to).
		Consistency(p.s.consistency).PageSize(size).PageState(state).Iter()
	if rows.NumRows() > 0 {
		return rows, nil
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	return rows, nil
}
