package cassandra

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill/driver/store"
)

// Fence implements store.Fencer.
func (s *Store) Fence(e store.Epoch) error {
	if err := s.begin(true); err != nil {
		return err
	}
	var parts []partition
	for _, f := range driven {
		parts = append(parts, s.parts(f)...)
	}
	err := each(parts, func(p partition) error { return s.raise(p, int64(e)) })
	if err != nil {
		return s.wrap("fence epoch", fmt.Sprint(e), err)
	}
	s.epoch.Store(int64(e))
	return s.wrap("sweep for epoch", fmt.Sprint(e), each(parts, s.sweep))
}

// each runs something for all partitions at the same time.
func each(parts []partition, do func(partition) error) error {
	errs := make(chan error)
	for _, p := range parts {
		go func() { errs <- do(p) }()
	}
	var all error
	for range parts {
		all = errors.Join(all, <-errs)
	}
	return all
}

// raise sets the fence of a folder to an epoch.
func (s *Store) raise(p partition, e int64) error {
	return s.change(p, func(int) ([]statement, bool, error) {
		was, err := s.fence(p)
		if err != nil {
			return nil, true, err
		}
		if was != nil && *was >= e {
			if *was > e {
				err = s.over(e, *was)
			}
			return nil, true, err
		}
		return []statement{s.tables.setFence(p, e, was)}, false, nil
	})
}

// fence returns the epoch that a folder is fenced for, nil if none is.
func (s *Store) fence(p partition) (e *int64, err error) {
	var checkpoint, folder string
	_, err = s.one(p.token(), s.serial(), s.tables.getFence(p), &checkpoint, &folder, &e)
	return e, err
}

// fenced says that this handle's changes are refused, if they are.
func (s *Store) fenced(p partition) error {
	g := s.guard(p)
	if !g.on {
		return nil
	}
	now, err := s.fence(p)
	switch {
	case err != nil:
		return err
	case now == nil && g.epoch != nil:
		return fmt.Errorf("folder %s of checkpoint %s has lost its fence: somebody wrote to %s by hand, or a node lost data", p.folder, s, s.tables.files)
	case now == nil || g.epoch != nil && *now == *g.epoch:
		return nil
	}
	var own int64
	if g.epoch != nil {
		own = *g.epoch
	}
	return s.over(own, *now)
}

// over is the refusal of a driver, or of somebody who is none, by a newer epoch.
func (s *Store) over(own, now int64) error {
	h, err := store.Latest(s)
	if err != nil {
		h = store.Holder{Epoch: store.Epoch(now)}
	}
	return &store.FencedError{Place: s.String(), Epoch: store.Epoch(own), Newer: h}
}

// sweep reclaims what nobody finished in a folder.
func (s *Store) sweep(p partition) error {
	ns, err := s.entriesOf(p, areaPending, s.serial())
	for _, n := range ns {
		err = errors.Join(err, s.reclaim(p, n))
	}
	return err
}
