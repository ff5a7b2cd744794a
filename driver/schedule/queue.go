package schedule

import (
	"slices"
	"time"
)

// queue holds the pending partitions of a stage that stands in batch.ready. An entry whose partition is no longer
// pending is stale and passed over. Partition numbers rise in each list.
type queue struct {
	listed bool
	filled bool      // false: to be filled before use, since the stage was just listed or workers came or went
	until  time.Time // until then partitions wait for their preferred workers
	spread bool      // until is over
	local  [][]int   // by worker.index: partitions that wait for this worker; nil: none do
	any    []int     // partitions that may go anywhere
}

// enlist makes a stage stand in batch.ready, in the order of programs and stages, if it has something to launch. A
// stage that turns out to be blocked is dropped when it is met there.
func (b *batch) enlist(now time.Time, st *stage) {
	if st.queue.listed || st.blocked > 0 || st.pending == 0 {
		return
	}
	wait := b.wait
	if st.Holders != nil {
		wait = b.hold
	}
	st.queue = queue{listed: true, until: now.Add(wait)}
	i, _ := slices.BinarySearchFunc(b.ready, st, func(a, c *stage) int {
		if a.program != c.program {
			return a.program - c.program
		}
		return a.index - c.index
	})
	b.ready = slices.Insert(b.ready, i, st)
}

// again puts back a partition that has become pending while its stage may be listed. It waits for no one.
func (st *stage) again(partition int) {
	if q := &st.queue; q.listed && q.filled {
		i, _ := slices.BinarySearch(q.any, partition)
		q.any = slices.Insert(q.any, i, partition)
	}
}

func (s *Scheduler) fill(now time.Time, st *stage) {
	q := &st.queue
	q.filled, q.local, q.any = true, nil, make([]int, 0, st.pending)
	q.spread = !now.Before(q.until)
	for i := range st.parts {
		p := &st.parts[i]
		if p.state != pending {
			continue
		}
		if q.spread || p.avoid != nil || !s.queueLocal(st, i) {
			q.any = append(q.any, i)
		}
	}
}

// queueLocal queues a partition at each of its preferred workers, and is false if none of them can take tasks.
func (s *Scheduler) queueLocal(st *stage, partition int) bool {
	found := false
	for _, name := range st.preferred(partition) {
		w := s.names[name]
		if w == nil || !w.able() {
			continue
		}
		found = true
		if st.queue.local == nil {
			st.queue.local = make([][]int, len(s.workers))
		}
		st.queue.local[w.index] = append(st.queue.local[w.index], partition)
	}
	return found
}

func (st *stage) preferred(partition int) []Worker {
	if partition >= len(st.Prefer) {
		return nil
	}
	return st.Prefer[partition]
}
