package cassandra

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/rdd/ring"
)

// Store is a checkpoint in a keyspace. Its handles in other processes may be
// open at the same time.
type Store struct {
	*link
	tables   tables
	readOnly bool
	close    context.CancelFunc
	slots    chan struct{} // one for each chunk that is under way
	epoch    atomic.Int64  // of the driver whose handle this is; 0 = not a driver's

	mu     sync.Mutex
	beaten int64 // timestamp of the last beat
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Fencer = (*Store)(nil)
)

func newStore(session *cql.Session, set settings, t tables, readOnly bool) *Store {
	ctx, cancel := context.WithCancel(context.Background())
	return &Store{link: &link{session: session, set: set, ctx: ctx}, tables: t, readOnly: readOnly, close: cancel,
		slots: make(chan struct{}, set.parallel)}
}

// String returns the URL without password and parameters.
func (s *Store) String() string { return s.set.place }

// Close ends the connection. Readers and logs fail from then on.
func (s *Store) Close() error {
	s.close()
	s.session.Close()
	return nil
}

// begin is called first by every method.
func (s *Store) begin(change bool, names ...string) error {
	if change && s.readOnly {
		return fmt.Errorf("checkpoint %s was opened for reading: %w", s, fs.ErrPermission)
	}
	for _, n := range names {
		if !fs.ValidPath(n) || n == "." {
			return fmt.Errorf("name %q in checkpoint %s: %w", n, s, fs.ErrInvalid)
		}
	}
	return nil
}

func (s *Store) wrap(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s in %s: %w", op, name, s, err)
}

// Folders with rules of their own.
const (
	beatFolder  = "beat"
	epochFolder = "epoch"
	logFolder   = "log"
	stateFolder = "state"
)

// stateParts are the partitions of the folder state: all executors make segments
// at the same time, and conditional changes of one partition take turns.
const stateParts = 8

// driven are the folders that a driver changes: the ones that Fence guards.
var driven = []string{".", logFolder, stateFolder, "tables", "receivers"}

// locate returns the partition of a name, and its key there.
func (s *Store) locate(name string) (partition, string) {
	folder, key := path.Dir(name), path.Base(name)
	if folder == stateFolder {
		h := fnv.New32a()
		_, _ = h.Write([]byte(key))
		return s.parts(folder)[h.Sum32()%stateParts], key
	}
	return s.parts(folder)[0], key
}

// parts are the partitions of a folder.
func (s *Store) parts(folder string) (out []partition) {
	if folder != stateFolder {
		return []partition{{s.set.checkpoint, folder}}
	}
	for i := range stateParts {
		out = append(out, partition{s.set.checkpoint, fmt.Sprintf("%s#%d", folder, i)})
	}
	return out
}

// guard is the condition on the epoch of changes in a partition. Executors, who
// have no epoch, write state and tables without one; the batch log is the
// driver's alone.
func (s *Store) guard(p partition) guard {
	folder, _, _ := strings.Cut(p.folder, "#")
	e := s.epoch.Load()
	if e > 0 {
		return guard{on: slices.Contains(driven, folder), epoch: &e}
	}
	return guard{on: folder == logFolder}
}

// reading is the consistency of reads in a partition. What safety rests on is
// read at SERIAL, which takes turns with changes; for the rest a quorum, which
// has all changes that were answered, is enough.
func (s *Store) reading(p partition) gocql.Consistency {
	switch p.folder {
	case ".", epochFolder, logFolder:
		return s.serial()
	}
	return s.set.quorum
}

// lookup returns the entry of a name; writer is nil if there is none.
func (s *Store) lookup(p partition, key string, c gocql.Consistency) (e entry, err error) {
	_, err = s.one(p.token(), c, s.tables.getEntry(p, areaEntries, key, 0), &e.writer, &e.kind, &e.id, &e.size, &e.body)
	return e, err
}

// List implements store.Store. The size of a log is 0: to find it takes a look.
func (s *Store) List(folder string) ([]store.Entry, error) {
	if err := s.begin(false, folder); err != nil {
		return nil, err
	}
	if folder == beatFolder {
		es, err := s.beats()
		return es, s.wrap("list", folder, err)
	}
	var out []store.Entry
	for _, p := range s.parts(folder) {
		es, err := s.entriesOf(p, areaEntries, s.reading(p))
		if err != nil {
			return nil, s.wrap("list", folder, err)
		}
		for _, e := range es {
			out = append(out, store.Entry{Name: folder + "/" + e.name, Size: e.size})
		}
	}
	slices.SortFunc(out, func(a, b store.Entry) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// named is an entry of a listing.
type named struct {
	name string
	entry
}

func (s *Store) entriesOf(p partition, area int, c gocql.Consistency) (out []named, err error) {
	err = s.ask(s.ctx, p.token(), c, s.tables.list(p, area), func(q *gocql.Query) error {
		out = out[:0]
		it := q.Iter()
		for {
			var n named
			if !it.Scan(&n.name, &n.writer, &n.kind, &n.id, &n.size) {
				return it.Close()
			}
			out = append(out, n)
		}
	})
	return out, err
}

// Stat implements store.Store.
func (s *Store) Stat(name string) (store.Entry, error) {
	if err := s.begin(false, name); err != nil {
		return store.Entry{}, err
	}
	if path.Dir(name) == beatFolder {
		b, err := s.beatOf(name)
		return store.Entry{Name: name, Size: int64(len(b))}, s.wrap("stat", name, err)
	}
	p, key := s.locate(name)
	e, err := s.lookup(p, key, s.reading(p))
	switch {
	case err == nil && e.writer == nil:
		return store.Entry{}, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	case err == nil:
		e.size, err = s.sizeOf(p, key, e)
	}
	return store.Entry{Name: name, Size: e.size}, s.wrap("stat", name, err)
}

// sizeOf looks how far a log has grown.
func (s *Store) sizeOf(p partition, key string, e entry) (int64, error) {
	switch e.kind {
	case kindLog:
		n, _, err := s.length(e.id)
		return n, err
	case kindRows:
		var off, n int64
		_, err := s.one(p.token(), s.serial(), s.tables.lastRow(p, key), &off, &n)
		return off + n, err
	}
	return e.size, nil
}

// Lock is not to be had: a lease that ends by itself would end under a driver
// that is only slow. The beat says who lives.
func (s *Store) Lock(string) (io.Closer, error) {
	return nil, fmt.Errorf("checkpoint %s has no locks: %w", s, errors.ErrUnsupported)
}

// Beat implements store.Store. The timestamp never goes back, as the machine's
// clock may: an older one would not be seen.
func (s *Store) Beat(name string, body []byte) error {
	err := s.begin(true, name)
	if err == nil && path.Dir(name) != beatFolder {
		err = fmt.Errorf("name %q is not in the folder %s: %w", name, beatFolder, fs.ErrInvalid)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.beaten = max(s.beaten+1, time.Now().UnixMicro())
	ts := s.beaten
	s.mu.Unlock()
	return s.wrap("beat", name, s.write(s.beatToken(), ts, s.tables.putBeat(s.set.checkpoint, path.Base(name), body)))
}

func (s *Store) beatToken() ring.Token { return ring.Murmur3([]byte(s.set.checkpoint)) }

func (s *Store) beatOf(name string) (body []byte, err error) {
	found, err := s.one(s.beatToken(), s.set.quorum, s.tables.getBeat(s.set.checkpoint, path.Base(name)), &body)
	if err == nil && !found {
		err = fs.ErrNotExist
	}
	return body, err
}

func (s *Store) beats() (out []store.Entry, err error) {
	err = s.ask(s.ctx, s.beatToken(), s.set.quorum, s.tables.listBeats(s.set.checkpoint), func(q *gocql.Query) error {
		out = out[:0]
		it := q.Iter()
		var name string
		var body []byte
		for it.Scan(&name, &body) {
			out = append(out, store.Entry{Name: beatFolder + "/" + name, Size: int64(len(body))})
		}
		return it.Close()
	})
	return out, err
}
