package cassandra

import (
	"context"
	"math"
)

const (
	countPage = 5000 // tokens a page: 80 kB on the wire
	cutRows   = 50_000
)

// count walks the keys behind a token, and hands out whole partitions until the next would exceed the limit; at least one. A piece ends where it has enough rows for a
// task of its own.
func (s *Source) count(ctx context.Context, from, most int64) (pieces []piece, next place, err error) {
	w := counting{most: most, open: piece{from: from, to: from}}
	p := pages{s: s, text: "SELECT " + s.token + s.inRange(), from: from, to: math.MaxInt64, size: countPage}
	full, err := w.walk(ctx, &p)
	if err != nil {
		return nil, place{}, err
	}
	if !full {
		w.partition()
		w.open.to = math.MaxInt64
	}
	if w.open.rows > 0 || !full && w.open.to > w.open.from {
		w.pieces = append(w.pieces, w.open)
	}
	return w.pieces, place{Token: w.open.to, Done: !full}, nil
}

// counting gathers partitions in pieces.
type counting struct {
	most   int64 // rows
	sum    int64 // of whole partitions that were taken
	pieces []piece
	open   piece // the last one
	token  int64 // of the partition at hand
	rows   int64 // of it, so far; 0 = none is at hand
}

// walk counts until the rows end, or the partition at hand does not fit any more.
func (w *counting) walk(ctx context.Context, p *pages) (full bool, err error) {
	ctx, end := context.WithCancel(ctx)
	defer p.stop()
	defer end()
	var token int64
	for {
		rows, err := p.next(ctx)
		if rows == nil || err != nil {
			return false, err
		}
		for rows.Scan(&token) {
			if w.rows > 0 && token != w.token {
				w.partition()
			}
			if w.token, w.rows = token, w.rows+1; w.sum > 0 && w.sum+w.rows > w.most {
				return true, rows.Close()
			}
		}
		if err := rows.Close(); err != nil {
			return false, err
		}
	}
}

// partition takes the partition at hand, which is whole, since another token comes.
func (w *counting) partition() {
	if w.rows == 0 {
		return
	}
	w.open.to, w.open.rows, w.sum = w.token, w.open.rows+w.rows, w.sum+w.rows
	w.rows = 0
	if w.open.rows >= cutRows {
		w.pieces = append(w.pieces, w.open)
		w.open = piece{from: w.open.to, to: w.open.to}
	}
}
