package cassandra

import "sync"

// spare is memory that waits to be used again: at most mostSpare bytes of it. A sync.Pool would be empty each time, since between two batches
// of the engine the collector runs.
type spare[E interface{ memory() int }] struct {
	mu    sync.Mutex
	free  []E // guarded by mu
	bytes int // of free; guarded by mu
}

const mostSpare = 32 << 20

// take returns what was given back last, or makes one.
func (s *spare[E]) take(make func() E) E {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.free) - 1
	if n < 0 {
		return make()
	}
	var none E
	e := s.free[n]
	s.free[n] = none
	s.free = s.free[:n]
	s.bytes -= e.memory()
	return e
}

// give keeps e if there is room. Nobody else may use it any more.
func (s *spare[E]) give(e E) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if size := e.memory(); s.bytes+size <= mostSpare {
		s.free = append(s.free, e)
		s.bytes += size
	}
}
