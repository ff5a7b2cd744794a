package status

import (
	"sort"

	"github.com/tidemill/tidemill/driver/report"
)

// ring keeps the last max reports. It grows to max as they come.
type ring struct {
	max    int
	slots  []*report.Batch
	oldest int
}

func (r *ring) add(b *report.Batch) {
	if len(r.slots) < r.max {
		r.slots = append(r.slots, b)
		return
	}
	r.slots[r.oldest] = b
	r.oldest = (r.oldest + 1) % r.max
}

func (r *ring) len() int { return len(r.slots) }

// at returns the i-th, 0 being the oldest.
func (r *ring) at(i int) *report.Batch { return r.slots[(r.oldest+i)%len(r.slots)] }

// below is the index of the first batch with a number ≥ n; above that of the first with a number > n.
func (r *ring) below(n int64) int {
	return sort.Search(r.len(), func(i int) bool { return r.at(i).Batch >= n })
}

func (r *ring) above(n int64) int {
	return sort.Search(r.len(), func(i int) bool { return r.at(i).Batch > n })
}
