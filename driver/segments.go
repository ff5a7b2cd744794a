package driver

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor"
)

const (
	stateFolder   = "state"
	segmentSuffix = ".seg"
)

// segments keeps a worker's state in the checkpoint store. They are named state/<epoch>.<writer>.<k>.seg.
type segments struct {
	st     store.Store
	epoch  store.Epoch
	writer string // unique under the epoch: see writerName
	next   atomic.Int64
}

// newSegments are those of a writer under an epoch.
func newSegments(st store.Store, epoch store.Epoch, writer string) *segments {
	return &segments{st: st, epoch: epoch, writer: writer}
}

// Create makes the writer's next segment.
func (s *segments) Create() (string, executor.Segment, error) {
	name := fmt.Sprintf("%s/%s.%d%s", stateFolder, segmentWriter(s.epoch, s.writer), s.next.Add(1), segmentSuffix)
	a, err := s.st.Log(name, nil)
	return name, a, err
}

// Open opens a segment, of any writer.
func (s *segments) Open(name string) (io.ReaderAt, io.Closer, error) {
	r, err := s.st.Open(name)
	return r, r, err
}

// segmentWriter is what the names of a writer's segments begin with.
func segmentWriter(epoch store.Epoch, writer string) string {
	return fmt.Sprintf("%d.%s", epoch, url.PathEscape(writer))
}

// writerOf returns who wrote a segment, as segmentWriter says it; false for a file that is none.
func writerOf(name string) (writer string, ok bool) {
	name, in := strings.CutPrefix(name, stateFolder+"/")
	name, is := strings.CutSuffix(name, segmentSuffix)
	dot := strings.LastIndexByte(name, '.')
	if !in || !is || dot < 0 {
		return "", false
	}
	_, err := strconv.ParseUint(name[dot+1:], 10, 63)
	return name[:dot], err == nil
}

// collectSegments removes segments that no version of state lies in any more. It is called after a COMMIT, before the next batch begins.
// retired has the writers that the driver is attached to, by name, and for each the segments of which it has said that it neither
// writes nor names them anew: only these go of theirs, since the others may hold a snapshot that no COMMIT names yet. What others
// wrote goes unless the last COMMIT names it. owned is asked before each removal, and an error of it ends the collection: a driver that was
// frozen and replaced must not take away what its successor's workers have written.
func collectSegments(st store.Store, epoch store.Epoch, retired map[string]map[string]bool, last *commitRecord, owned func() error) error {
	keep := map[string]bool{}
	for _, r := range last.refs() {
		for _, f := range r.Frames() {
			keep[f.Segment] = true
		}
	}
	gone := map[string]map[string]bool{}
	for writer, names := range retired {
		gone[segmentWriter(epoch, writer)] = names
	}
	entries, err := st.List(stateFolder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		writer, is := writerOf(e.Name)
		names, lives := gone[writer]
		if !is || keep[e.Name] || lives && !names[e.Name] {
			continue
		}
		if err := owned(); err != nil {
			return err
		}
		if err := st.Remove(e.Name); err != nil {
			return err
		}
		delete(names, e.Name)
	}
	return nil
}
