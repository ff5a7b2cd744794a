package cassandra

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/rdd/ring"
)

// ahead is how many windows a reader fetches at the same time, and before
// somebody who reads in order asks for them; kept is how many it remembers.
const (
	ahead = 6
	kept  = 2 * ahead
)

// reader reads a file by windows. Its methods may be called from any goroutine.
type reader struct {
	size  int64
	fetch func(ctx context.Context, from, to int64) ([]piece, error)
	gaps  bool // bytes that are not there are zeros, as behind the last sync of a log; else an error

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	windows map[int64]*fetched // guarded by mu, with the rest
	order   []int64            // of windows, the oldest first
	next    int64              // where a reader in order would go on
}

// fetched is a window once done is closed.
type fetched struct {
	done chan struct{}
	body []byte
	err  error
}

// inlineReader reads what was in the entry.
type inlineReader struct{ body []byte }

// ReadAt implements io.ReaderAt.
func (r inlineReader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= int64(len(r.body)) {
		return 0, io.EOF
	}
	n := copy(p, r.body[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Size implements store.Reader.
func (r inlineReader) Size() int64 { return int64(len(r.body)) }

// Close implements store.Reader.
func (inlineReader) Close() error { return nil }

// Open implements store.Store.
func (s *Store) Open(name string) (store.Reader, error) {
	if err := s.begin(false, name); err != nil {
		return nil, err
	}
	if path.Dir(name) == beatFolder {
		body, err := s.beatOf(name)
		return inlineReader{body}, s.wrap("open", name, err)
	}
	p, key := s.locate(name)
	e, err := s.lookup(p, key, s.reading(p))
	if err == nil && e.writer == nil {
		err = fs.ErrNotExist
	}
	if err == nil && e.kind != kindFile {
		e.size, err = s.sizeOf(p, key, e)
	}
	if err != nil {
		return nil, s.wrap("open", name, err)
	}
	if e.kind == kindFile && e.id == nil {
		return inlineReader{e.body}, nil
	}
	r := &reader{size: e.size, gaps: e.kind == kindLog, windows: map[int64]*fetched{}}
	r.ctx, r.cancel = context.WithCancel(s.ctx)
	r.fetch = func(ctx context.Context, from, to int64) ([]piece, error) {
		t, st := chunkToken(e.id, bucketOf(from)), s.tables.getChunks(e.id, from, to)
		if e.kind == kindRows {
			t, st = p.token(), s.tables.getRows(p, key, from, to)
		}
		ps, err := s.pieces(ctx, t, st)
		return ps, s.wrap("read", name, err)
	}
	return r, nil
}

// pieces reads the pieces of a file that a statement selects. A quorum has every
// row of a log that an Open, which looked at SERIAL, has counted.
func (s *Store) pieces(ctx context.Context, t ring.Token, st statement) (out []piece, err error) {
	err = s.ask(ctx, t, s.set.quorum, st, func(q *gocql.Query) error {
		out = out[:0]
		it := q.Iter()
		for {
			var c piece
			if !it.Scan(&c.at, &c.body) {
				return it.Close()
			}
			out = append(out, c)
		}
	})
	return out, err
}

// ReadAt implements io.ReaderAt.
func (r *reader) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fs.ErrInvalid
	}
	if off >= r.size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), r.size-off))
	last := (off + int64(want) - 1) / window
	upTo := last
	r.mu.Lock()
	if off == r.next {
		upTo += ahead
	}
	r.next = off + int64(want)
	r.mu.Unlock()
	for k := off / window; k <= last; k++ {
		w := r.get(k, upTo)
		select {
		case <-w.done:
		case <-r.ctx.Done():
			return n, errReaderClosed
		}
		if w.err != nil {
			return n, w.err
		}
		n += copy(p[n:want], w.body[off+int64(n)-k*window:])
	}
	if want < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var errReaderClosed = errors.New("the file, or its store, is closed")

// get returns window k, and starts those behind it that will be wanted.
func (r *reader) get(k, upTo int64) *fetched {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.start(k)
	for next := k + 1; next <= min(upTo, k+ahead) && next*window < r.size; next++ {
		r.start(next)
	}
	return w
}

// start fetches a window unless it is there. The caller holds mu.
func (r *reader) start(k int64) *fetched {
	if w := r.windows[k]; w != nil {
		return w
	}
	w := &fetched{done: make(chan struct{})}
	r.windows[k], r.order = w, append(r.order, k)
	if len(r.order) > kept {
		delete(r.windows, r.order[0])
		r.order = r.order[1:]
	}
	r.wg.Go(func() {
		defer close(w.done)
		from, to := k*window, min((k+1)*window, r.size)
		ps, err := r.fetch(r.ctx, from, to)
		if err == nil {
			w.body, err = assemble(ps, from, to, r.gaps)
		}
		if w.err = err; err != nil { // the next who wants it tries again
			r.forget(k, w)
		}
	})
	return w
}

func (r *reader) forget(k int64, w *fetched) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.windows[k] == w {
		delete(r.windows, k)
		r.order = slices.DeleteFunc(r.order, func(o int64) bool { return o == k })
	}
}

// assemble puts pieces, in order, in their places between two offsets.
func assemble(ps []piece, from, to int64, gaps bool) ([]byte, error) {
	out, end := make([]byte, to-from), from
	for _, c := range ps {
		if c.at < from || c.at >= to {
			continue
		}
		if c.at > end && !gaps {
			break
		}
		copy(out[c.at-from:], c.body)
		end = max(end, c.at+int64(len(c.body)))
	}
	if end < to && !gaps {
		return nil, fmt.Errorf("bytes %d to %d are missing: the cluster has lost them, or the file was removed", end, to)
	}
	return out, nil
}

// Size implements store.Reader.
func (r *reader) Size() int64 { return r.size }

// Close implements store.Reader.
func (r *reader) Close() error {
	r.cancel()
	r.wg.Wait()
	return nil
}
