package cassandra

import (
	"fmt"
	"io/fs"

	"github.com/gocql/gocql"
)

// Settle implements store.Store.
func (s *Store) Settle(name string, from, length int64) error {
	if err := s.begin(true, name); err != nil {
		return err
	}
	p, key := s.locate(name)
	e, err := s.lookup(p, key, s.serial())
	if err == nil && e.writer == nil {
		err = fs.ErrNotExist
	}
	if err == nil {
		e.size, err = s.sizeOf(p, key, e)
	}
	if err == nil && (from < 0 || from > length || length > e.size || e.kind == kindFile) {
		err = fmt.Errorf("bytes %d to %d of a log of %d: %w", from, length, e.size, fs.ErrInvalid)
	}
	if err == nil && e.kind == kindRows {
		err = s.settleRows(p, key, e, length)
	} else if err == nil {
		err = s.settleChunks(e.id, from, length)
	}
	return s.wrap("settle", name, err)
}

// settleRows cuts off what follows. What is before is durable already: the look
// at SERIAL has ended the last change, as each change has the one before it.
func (s *Store) settleRows(p partition, key string, e entry, length int64) error {
	if length == e.size {
		return nil
	}
	from := length / window * window
	return s.change(p, func(round int) ([]statement, bool, error) {
		if round > 0 {
			if n, err := s.sizeOf(p, key, e); err != nil || n == length {
				return nil, true, err
			}
			if err := s.fenced(p); err != nil {
				return nil, true, err
			}
		}
		ps, err := s.pieces(s.ctx, p.token(), s.tables.getRows(p, key, from, length))
		if err != nil {
			return nil, true, err
		}
		sts := []statement{s.tables.setEntry(p, key, entry{writer: e.writer, kind: kindRows}, e.writer, s.guard(p)), s.tables.dropRows(p, key, length)}
		if len(ps) > 0 {
			last := ps[len(ps)-1]
			if keep := length - last.at; keep < int64(len(last.body)) {
				sts = append(sts, s.tables.setRow(p, key, last.at, last.body[:keep], unique()))
			}
		}
		return sts, false, nil
	})
}

// settleChunks writes again what a writer that died may have left on too few
// nodes, above the timestamps that it finds, and deletes what follows.
func (s *Store) settleChunks(id []byte, from, length int64) error {
	for start := from / window * window; start < length; start += window {
		cs, err := s.dated(id, start, min(start+window, length))
		if err != nil {
			return err
		}
		for _, c := range cs {
			if c.at+int64(len(c.body)) <= from {
				continue
			}
			body := c.body[:min(int64(len(c.body)), length-c.at)]
			if err := s.putChunk(id, c.at, body, c.timestamp+1); err != nil {
				return err
			}
		}
	}
	_, n, err := s.length(id)
	if err != nil {
		return err
	}
	for b := bucketOf(length); b <= n; b++ { // the writer may still be at it, so one more
		if err := s.dropFrom(id, b, max(length, int64(b)*bucket), removed); err != nil {
			return err
		}
	}
	return nil
}

// datedPiece is a chunk and its timestamp.
type datedPiece struct {
	piece
	timestamp int64
}

func (s *Store) dated(id []byte, from, to int64) (out []datedPiece, err error) {
	err = s.ask(s.ctx, chunkToken(id, bucketOf(from)), s.set.quorum, s.tables.datedChunks(id, from, to), func(q *gocql.Query) error {
		out = out[:0]
		it := q.Iter()
		for {
			var c datedPiece
			if !it.Scan(&c.at, &c.body, &c.timestamp) {
				return it.Close()
			}
			out = append(out, c)
		}
	})
	return out, err
}
