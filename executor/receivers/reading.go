package receivers

import (
	"context"
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/dstream"
)

// reading is a Read under way.
type reading struct {
	c      *client
	log    Log
	each   func(dstream.JournalRecord) (bool, error)
	at     int64 // all before it was given to each
	failed error // what each has returned
}

// pieces reads a range of pieces in their order. Where one does not begin where the one before ends, the user has accepted a loss.
func (r *reading) pieces(ctx context.Context, pieces []piece, from, to int64) (more bool, err error) {
	r.at = from
	for _, p := range within(pieces, from, to) {
		r.at = max(r.at, p.From)
		if more, err = r.piece(ctx, p, min(p.To, to)); err != nil || !more {
			return false, err
		}
	}
	if r.at < to {
		return false, fmt.Errorf("%w: bytes %d to %d", ErrGone, r.at, to)
	}
	return true, nil
}

func (r *reading) piece(ctx context.Context, p piece, to int64) (more bool, err error) {
	var errs []error
	first := int(r.at/segmentBytes) % max(1, len(p.Holders)) // so that holders share the work
	for i := range p.Holders {
		more, err := r.holder(ctx, p.Holders[(first+i)%len(p.Holders)], p.Segment, to)
		if r.failed != nil || err == nil {
			return more, r.failed
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		errs = append(errs, err)
	}
	return false, fmt.Errorf("bytes %d to %d cannot be read: %w", r.at, to, errors.Join(errs...))
}

func (r *reading) holder(ctx context.Context, h Holder, s Segment, to int64) (more bool, err error) {
	more, err = r.c.read(ctx, h, request{Log: r.log, Segment: s, From: r.at, To: to}, func(rec dstream.JournalRecord) (bool, error) {
		part, ok := rec.Part(r.at, to)
		if !ok || part.At != r.at {
			return false, fmt.Errorf("executor %s: a record at byte %d came, and not that at %d", h.Name, rec.At, r.at)
		}
		more, err := r.each(part)
		r.failed = err
		r.at += int64(len(part.Payload))
		return more, err
	})
	if err == nil && more && r.at < to {
		err = fmt.Errorf("executor %s: %w: bytes %d to %d", h.Name, ErrGone, r.at, to)
	}
	return more, err
}
