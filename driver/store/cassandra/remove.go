package cassandra

import (
	"bytes"
	"encoding/hex"
	"io/fs"
	"path"
)

// Remove implements store.Store. Readers that are open fail.
func (s *Store) Remove(name string) error {
	if err := s.begin(true, name); err != nil {
		return err
	}
	if path.Dir(name) == beatFolder {
		_, err := s.beatOf(name)
		if err == nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.beaten++
			err = s.write(s.beatToken(), s.beaten, s.tables.dropBeat(s.set.checkpoint, path.Base(name)))
		}
		return s.wrap("remove", name, err)
	}
	p, key := s.locate(name)
	return s.wrap("remove", name, s.remove(p, key))
}

func (s *Store) remove(p partition, key string) error {
	var first entry
	token := unique()
	err := s.change(p, func(round int) ([]statement, bool, error) {
		e, err := s.lookup(p, key, s.serial())
		switch {
		case err != nil:
			return nil, true, err
		case round == 0 && e.writer == nil:
			return nil, true, fs.ErrNotExist
		case round == 0:
			first = e
		case !bytes.Equal(e.writer, first.writer): // gone, whoever did it
			return nil, true, nil
		default:
			if err := s.fenced(p); err != nil {
				return nil, true, err
			}
		}
		sts := []statement{s.tables.dropEntry(p, key, first.writer, s.guard(p))}
		if first.kind == kindRows {
			sts = append(sts, s.tables.dropRows(p, key, 0))
		}
		if first.id != nil {
			sts = append(sts, s.tables.setPending(p, hex.EncodeToString(first.id), entry{writer: token, kind: kindGarbage, id: first.id}, nil))
		}
		return sts, false, nil
	})
	if err != nil || first.id == nil {
		return err
	}
	return s.reclaim(p, named{hex.EncodeToString(first.id), entry{writer: token, kind: kindGarbage, id: first.id}})
}

// reclaim takes away what a pending row names, and the row. Whoever is still at
// work on it is stopped first: its entry is written on the condition that the
// row is as it was.
func (s *Store) reclaim(p partition, n named) error {
	if n.kind != kindGarbage {
		was := n.writer
		n.writer = unique()
		lost := false
		err := s.change(p, func(round int) ([]statement, bool, error) {
			if round > 0 {
				now, err := s.pendingOf(p, n.name)
				lost = !bytes.Equal(now.writer, was)
				if err != nil || lost {
					lost = lost && !bytes.Equal(now.writer, n.writer)
					return nil, true, err
				}
			}
			kind := n.kind
			if kind == kindOpen {
				kind = kindGarbage
			}
			return []statement{s.tables.setPending(p, n.name, entry{writer: n.writer, kind: kind, id: n.id}, was)}, false, nil
		})
		if err != nil || lost {
			return err
		}
	}
	if n.id != nil {
		if err := s.dropAll(n.id); err != nil {
			return err
		}
	}
	return s.change(p, func(round int) ([]statement, bool, error) {
		if round > 0 {
			now, err := s.pendingOf(p, n.name)
			if err != nil || !bytes.Equal(now.writer, n.writer) {
				return nil, true, err
			}
		}
		sts := []statement{s.tables.dropPending(p, n.name, n.writer)}
		if n.kind == kindTorso {
			sts = append(sts, s.tables.dropRows(p, n.name, 0))
		}
		return sts, false, nil
	})
}
