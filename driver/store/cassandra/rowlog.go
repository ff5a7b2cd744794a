package cassandra

import (
	"bytes"
	"fmt"
	"io/fs"
)

// mutation is the most that the rows of one change hold together, in bytes:
// Cassandra refuses what is larger than half a segment of its commit log (16 MiB
// by default), and Paxos writes it more than once.
const mutation = 1 << 20

// rowLog is a log in rows of the folder's own partition: each Sync is one change
// on the condition that no newer epoch has the folder. So it is done before a
// takeover, and the successor reads it, or it is refused.
type rowLog struct {
	s         *Store
	p         partition
	key, name string
	off       int64 // of buf
	buf       []byte
	failed    error
	closed    bool
}

// piece is a part of a file.
type piece struct {
	at   int64
	body []byte
}

// grouped cuts bytes into rows that cross no window, and rows into changes. There
// is one change at least.
func grouped(off int64, b []byte) (out [][]piece) {
	group, size := []piece{}, 0
	for len(b) > 0 {
		n := min(len(b), window-int(off%window))
		if size+n > mutation {
			out, group, size = append(out, group), nil, 0
		}
		group, size = append(group, piece{off, b[:n]}), size+n
		off, b = off+int64(n), b[n:]
	}
	return append(out, group)
}

// newRowLog makes a log, which has its entry and its head at the same time. Of a
// head that is too large for one change, the first part is written beforehand,
// while a pending row names the log.
func (s *Store) newRowLog(p partition, key, name string, head []byte) (*rowLog, error) {
	token, groups := unique(), grouped(0, head)
	first, last := groups[:len(groups)-1], groups[len(groups)-1]
	if len(first) > 0 {
		if err := s.pend(p, key, entry{writer: token, kind: kindTorso}); err != nil {
			return nil, err
		}
	}
	for _, g := range first {
		if err := s.addRows(p, key, token, g); err != nil {
			return nil, err
		}
	}
	err := s.change(p, func(round int) ([]statement, bool, error) {
		if round > 0 {
			e, err := s.lookup(p, key, s.serial())
			if err != nil || bytes.Equal(e.writer, token) {
				return nil, true, err
			}
			if e.writer != nil {
				return nil, true, fs.ErrExist
			}
			if err := s.fenced(p); err != nil {
				return nil, true, err
			}
		}
		g := s.guard(p)
		sts := []statement{s.tables.setEntry(p, key, entry{writer: token, kind: kindRows}, nil, g)}
		for _, r := range last {
			sts = append(sts, s.tables.addRow(p, key, r.at, r.body, token, g))
		}
		if len(first) > 0 {
			sts = append(sts, s.tables.dropPending(p, key, token))
		}
		return sts, false, nil
	})
	if err != nil {
		return nil, err
	}
	return &rowLog{s: s, p: p, key: key, name: name, off: int64(len(head))}, nil
}

// addRows adds rows that follow each other, in one change. A change whose answer
// was lost is recognised by its token.
func (s *Store) addRows(p partition, key string, token []byte, rs []piece) error {
	return s.change(p, func(round int) ([]statement, bool, error) {
		if round > 0 {
			var e entry
			_, err := s.one(p.token(), s.serial(), s.tables.getEntry(p, areaRows, key, rs[0].at), &e.writer, &e.kind, &e.id, &e.size, &e.body)
			if err != nil || bytes.Equal(e.writer, token) {
				return nil, true, err
			}
			if err := s.fenced(p); err != nil {
				return nil, true, err
			}
			if e.writer != nil {
				return nil, true, fmt.Errorf("somebody else writes at offset %d too: %w", rs[0].at, fs.ErrExist)
			}
		}
		g := s.guard(p)
		var sts []statement
		for _, r := range rs {
			sts = append(sts, s.tables.addRow(p, key, r.at, r.body, token, g))
		}
		return sts, false, nil
	})
}

// Append implements store.Appender.
func (l *rowLog) Append(p []byte) error {
	if l.failed == nil {
		l.buf = append(l.buf, p...)
	}
	return l.failed
}

// Sync implements store.Appender. It is one round trip, or one for each MiB.
func (l *rowLog) Sync() error {
	if l.failed != nil || len(l.buf) == 0 {
		return l.failed
	}
	token := unique()
	for _, g := range grouped(l.off, l.buf) {
		if err := l.s.addRows(l.p, l.key, token, g); err != nil {
			l.failed = l.s.wrap("sync", l.name, err)
			return l.failed
		}
	}
	l.off, l.buf = l.off+int64(len(l.buf)), l.buf[:0]
	return nil
}

// Close implements store.Appender.
func (l *rowLog) Close() error {
	if l.closed {
		return l.failed
	}
	l.closed = true
	if l.failed == nil {
		l.failed = l.s.wrap("append to", l.name, errLogClosed)
	}
	return nil
}
