package driver

import (
	"fmt"
	"io"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor"
)

const stateFolder = "state"

// segments keeps a worker's state in the checkpoint store.
type segments struct {
	st    store.Store
	epoch store.Epoch
	next  int
}

// Create makes the next segment of this epoch.
func (s *segments) Create() (string, executor.Segment, error) {
	s.next++
	name := fmt.Sprintf("%s/%d.%d.seg", stateFolder, s.epoch, s.next)
	a, err := s.st.Log(name, nil)
	return name, a, err
}

// Open opens a segment.
func (s *segments) Open(name string) (io.ReaderAt, io.Closer, error) {
	r, err := s.st.Open(name)
	return r, r, err
}

// collect removes the segments that no committed state lies in, but for the one being written.
func collectSegments(st store.Store, epoch store.Epoch, live *commitRecord) error {
	used := map[string]bool{}
	newest := ""
	for _, r := range live.refs() {
		for _, f := range r.Frames() {
			used[f.Segment] = true
		}
	}
	entries, err := st.List(stateFolder)
	if err != nil {
		return err
	}
	highest := 0
	for _, e := range entries {
		var of, k int
		if _, err := fmt.Sscanf(e.Name, stateFolder+"/%d.%d.seg", &of, &k); err == nil && of == int(epoch) && k > highest {
			highest, newest = k, e.Name
		}
	}
	for _, e := range entries {
		if !used[e.Name] && e.Name != newest {
			if err := st.Remove(e.Name); err != nil {
				return err
			}
		}
	}
	return nil
}
