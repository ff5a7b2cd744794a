package batchlog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/driver/store"
)

// settle makes durable what load read, before anything is built on it: a killed
// predecessor may have written its last record and not synced it. A torn tail
// is copied aside first, since settling may cut it off.
func (l *Log) settle(c chain) (torn string, err error) {
	if len(c.segs) == 0 {
		return "", nil
	}
	last := l.current().name
	if len(c.torn) > 0 {
		torn = tornFile(last, l.fence.Epoch())
		if err := store.WriteFile(l.store, torn, c.torn); err != nil {
			return "", fmt.Errorf("set the torn tail of the batch log aside: %w", err)
		}
	}
	if err := l.store.Settle(last.file(), c.durable, c.size); err != nil {
		return "", fmt.Errorf("settle log segment %s: %w", last.file(), err)
	}
	l.size = c.size
	return torn, nil
}

// start begins the segment n, which seals the current one, and makes it
// current. Recovery needs nothing of the older ones from then on.
func (l *Log) start(n segmentName) error {
	var h head
	if len(l.segs) > 0 {
		h.Prev, h.Length = l.current().name.file(), l.size
	}
	b, prev, err := encodeHead(n.epoch, h, l.life, l.prev)
	if err != nil {
		return err
	}
	app, err := l.store.Log(n.file(), b)
	if err != nil {
		return fmt.Errorf("start log segment %s: %w", n.file(), err)
	}
	old := l.app
	l.app, l.size, l.prev = app, int64(len(b)), prev
	l.segs = append(l.segs, segment{name: n, empty: true})
	if old != nil {
		if err := old.Close(); err != nil {
			return fmt.Errorf("close log segment %s: %w", h.Prev, err)
		}
	}
	if err := l.writeManifest(l.segs[0].name); err != nil {
		return err
	}
	return l.fence.Check()
}

func (l *Log) writeManifest(first segmentName) error {
	e := l.fence.Epoch()
	b, err := encodeManifest(e, manifest{First: first.file(), Last: l.current().name.file()})
	if err != nil {
		return err
	}
	if err := store.WriteFile(l.store, manifestFile(e), b); err != nil {
		return fmt.Errorf("write the manifest of the batch log: %w", err)
	}
	return nil
}

// sweep removes what earlier epochs left behind: segments outside the chain,
// their torn tails, manifests. Of epochs after this one it touches nothing.
func (l *Log) sweep() error {
	d, err := listLog(l.store)
	if err != nil {
		return err
	}
	self := l.fence.Epoch()
	for _, file := range d.files {
		n, ok := parseSegmentName(file)
		if !ok {
			n, ok = parseTornName(file)
		}
		live := !ok || n.epoch > self || slices.ContainsFunc(l.segs, func(s segment) bool { return s.name == n })
		if e, ok := parseManifestName(file); ok {
			live = e >= self
		}
		if live {
			continue
		}
		if err := l.remove(file); err != nil {
			return err
		}
	}
	return nil
}

// Compact gives up the history before batch keepFrom, as far as whole segments
// have no news of later ones; the current one always stays. The caller may call
// it after every batch: it costs nothing until a segment can go. Safe at every
// step: first the manifest stops naming the segments, then they go, oldest
// first.
func (l *Log) Compact(keepFrom Batch) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead != nil {
		return l.dead
	}
	n := 0
	for n < len(l.segs)-1 && (l.segs[n].empty || l.segs[n].last < keepFrom) {
		n++
	}
	if n == 0 {
		return nil
	}
	if err := l.drop(n); err != nil {
		l.dead = fmt.Errorf("compact the batch log: %w", err)
		return l.dead
	}
	return nil
}

// drop removes the n oldest segments. The manifest comes before the check and
// the removals after it: a zombie that wakes between any two of them removes at
// most what a manifest had given up before its successor read it.
func (l *Log) drop(n int) error {
	if err := l.fence.Check(); err != nil {
		return err
	}
	if err := l.writeManifest(l.segs[n].name); err != nil {
		return err
	}
	d, err := l.store.List(folder)
	if err != nil {
		return err
	}
	for _, s := range l.segs[:n] {
		for _, e := range d {
			if t, ok := parseTornName(e.Name); ok && t == s.name {
				err = errors.Join(err, l.remove(e.Name))
			}
		}
		if err = errors.Join(err, l.remove(s.name.file())); err != nil {
			return err
		}
	}
	l.segs = slices.Delete(l.segs, 0, n)
	return nil
}

func (l *Log) remove(file string) error {
	if err := l.fence.Check(); err != nil {
		return err
	}
	if err := l.store.Remove(file); err != nil && !gone(err) {
		return fmt.Errorf("remove %s: %w", file, err)
	}
	return nil
}
