package state

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/executor"
	"github.com/tidemill/tidemill/executor/wire"
)

// segments keeps a worker's state in a checkpoint.
type segments struct {
	st   store.Store
	name string // of the worker
	next atomic.Int64
}

// Create makes the next segment.
func (s *segments) Create() (string, executor.Segment, error) {
	name := fmt.Sprintf("state/1.%s.%d.seg", s.name, s.next.Add(1))
	a, err := s.st.Log(name, nil)
	return name, a, err
}

// Open opens a segment of any worker.
func (s *segments) Open(name string) (io.ReaderAt, io.Closer, error) {
	r, err := s.st.Open(name)
	return r, r, err
}

// record is the part of COMMIT that tells where state lies.
func record(refs map[int]wire.StateRef) ([]byte, error) {
	var all []wire.StateRef
	for _, p := range slices.Sorted(maps.Keys(refs)) {
		all = append(all, refs[p])
	}
	return json.Marshal(all)
}
