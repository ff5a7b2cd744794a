package cassandra

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

	"github.com/tidemill/tidemill/driver/store"
)

// inline is the largest content that an entry holds itself, in bytes: Paxos
// writes what it decides several times.
const inline = 64 << 10

func unique() []byte {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // does not fail
	return id
}

// content takes the bytes of a new file: it keeps a few, and makes chunks of
// more. What it has written is named by a pending row until the file has its
// entry, so that it can be found if nobody finishes it.
type content struct {
	s     *Store
	p     partition
	token []byte // of this change
	id    []byte // of the chunks, nil = there are none
	few   []byte
	w     *chunkWriter
}

func (s *Store) newContent(p partition) *content { return &content{s: s, p: p, token: unique()} }

// Write implements io.Writer.
func (c *content) Write(b []byte) (int, error) {
	if c.w == nil && len(c.few)+len(b) <= inline {
		c.few = append(c.few, b...)
		return len(b), nil
	}
	if c.w == nil {
		if err := c.chunked(); err != nil {
			return 0, err
		}
	}
	return len(b), c.w.write(b)
}

// chunked begins to make chunks.
func (c *content) chunked() error {
	id := unique()
	if err := c.s.pend(c.p, hex.EncodeToString(id), entry{writer: c.token, kind: kindOpen, id: id}); err != nil {
		return err
	}
	c.id, c.w = id, c.s.newChunks(id, 0)
	few := c.few
	c.few = nil
	return c.w.write(few)
}

// put gives a file its entry, with all that was written.
func (c *content) put(key string, kind int8, replace bool) error {
	e := entry{writer: c.token, kind: kind, id: c.id, size: int64(len(c.few)), body: c.few}
	if c.w != nil {
		if err := c.w.flush(); err != nil {
			return err
		}
		e.size = c.w.off
	}
	return c.s.put(c.p, key, e, c.id, replace)
}

// discard gives up what was written. A failure is made good by the next driver's
// sweep.
func (c *content) discard() {
	if c.w == nil {
		return
	}
	_ = c.w.flush()
	_ = c.s.reclaim(c.p, named{hex.EncodeToString(c.id), entry{writer: c.token, kind: kindOpen, id: c.id}})
}

// pend adds a pending row.
func (s *Store) pend(p partition, name string, e entry) error {
	return s.change(p, func(round int) ([]statement, bool, error) {
		if round > 0 {
			was, err := s.pendingOf(p, name)
			if err != nil || bytes.Equal(was.writer, e.writer) {
				return nil, true, err
			}
		}
		return []statement{s.tables.setPending(p, name, e, nil)}, false, nil
	})
}

func (s *Store) pendingOf(p partition, name string) (e entry, err error) {
	_, err = s.one(p.token(), s.serial(), s.tables.getEntry(p, areaPending, name, 0), &e.writer, &e.kind, &e.id, &e.size, &e.body)
	return e, err
}

// errSwept is a file that a driver, starting meanwhile, took for one that nobody
// finishes.
var errSwept = errors.New("a driver that has just started removed it unfinished: write it again")

// put gives a name its entry, and ends what is pending for it, if anything is.
// With replace the name may be taken.
func (s *Store) put(p partition, key string, e entry, pends []byte, replace bool) error {
	return s.change(p, func(round int) (sts []statement, done bool, err error) {
		var was entry
		if round > 0 || replace {
			if was, err = s.lookup(p, key, s.serial()); err != nil || bytes.Equal(was.writer, e.writer) {
				return nil, true, err
			}
		}
		if was.writer != nil && !replace {
			return nil, true, fs.ErrExist
		}
		if round > 0 {
			if err := s.hindered(p, e.writer, pends); err != nil {
				return nil, true, err
			}
		}
		sts = append(sts, s.tables.setEntry(p, key, e, was.writer, s.guard(p)))
		if pends != nil {
			sts = append(sts, s.tables.dropPending(p, hex.EncodeToString(pends), e.writer))
		}
		if was.id != nil { // readers may have it open: the next driver's sweep takes it away
			sts = append(sts, s.tables.setPending(p, hex.EncodeToString(was.id), entry{writer: e.writer, kind: kindGarbage, id: was.id}, nil))
		}
		return sts, false, nil
	})
}

// hindered says why a change was not applied, if it is for good.
func (s *Store) hindered(p partition, writer, pends []byte) error {
	if err := s.fenced(p); err != nil || pends == nil {
		return err
	}
	e, err := s.pendingOf(p, hex.EncodeToString(pends))
	if err == nil && !bytes.Equal(e.writer, writer) {
		err = errSwept
	}
	return err
}

// unbeaten refuses names that only Beat writes.
func unbeaten(name string) error {
	if path.Dir(name) == beatFolder {
		return fmt.Errorf("name %q: only heartbeats lie in %s: %w", name, beatFolder, fs.ErrInvalid)
	}
	return nil
}

// Create implements store.Store.
func (s *Store) Create(name string, body []byte) error {
	return s.wrap("create", name, s.file(name, false, func(w io.Writer) error {
		_, err := w.Write(body)
		return err
	}))
}

// Publish implements store.Store.
func (s *Store) Publish(name string, write func(io.Writer) error) error {
	return s.wrap("publish", name, s.file(name, true, write))
}

func (s *Store) file(name string, replace bool, write func(io.Writer) error) error {
	if err := errors.Join(s.begin(true, name), unbeaten(name)); err != nil {
		return err
	}
	p, key := s.locate(name)
	c := s.newContent(p)
	err := write(c)
	if err == nil {
		err = c.put(key, kindFile, replace)
	}
	if err != nil {
		c.discard()
	}
	return err
}

// Log implements store.Store.
func (s *Store) Log(name string, head []byte) (store.Appender, error) {
	if err := errors.Join(s.begin(true, name), unbeaten(name)); err != nil {
		return nil, err
	}
	var l store.Appender
	var err error
	if p, key := s.locate(name); p.folder == logFolder {
		l, err = s.newRowLog(p, key, name, head)
	} else {
		l, err = s.newChunkLog(p, key, name, head)
	}
	if err != nil {
		return nil, s.wrap("create log", name, err)
	}
	return l, nil
}

// newChunkLog makes a log in chunks: without a head there is nothing to write
// before the entry, which then is all.
func (s *Store) newChunkLog(p partition, key, name string, head []byte) (store.Appender, error) {
	c := s.newContent(p)
	if len(head) == 0 {
		id := unique()
		e := entry{writer: c.token, kind: kindLog, id: id}
		return &chunkLog{name: name, w: s.newChunks(id, 0)}, s.put(p, key, e, nil, false)
	}
	err := c.chunked()
	if err == nil {
		_, err = c.Write(head)
	}
	if err == nil {
		err = c.put(key, kindLog, false)
	}
	if err != nil {
		c.discard()
		return nil, err
	}
	return &chunkLog{name: name, w: c.w}, nil
}
