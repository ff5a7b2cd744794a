package kafka

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// stall watches the end of a partition for a transaction that stays open: nothing behind its first record can be read.
type stall struct {
	end   int64     // as it was
	since time.Time // when it got there
	asked time.Time // when the end of the log, open transactions included, was asked for
	open  bool      // there are records behind the end
}

// stallAfter is how long an end has to stay where it is until somebody should know, and how often it is looked into.
const stallAfter = 5 * time.Second

// suspect tells whether the end of a partition has not moved for a while, and was not looked into for a while.
func (s *Source) suspect(p *planned) bool {
	w, now := s.stalls[p.name()], s.now()
	if w == nil || w.end != p.end {
		s.stalls[p.name()] = &stall{end: p.end, since: now, asked: now}
		return false
	}
	if s.isolation == sarama.ReadUncommitted || now.Sub(w.asked) < stallAfter {
		return false
	}
	w.asked = now
	return true
}

// open says which partitions have a transaction that stays open.
func (s *Source) open() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.stalls)) {
		if w := s.stalls[name]; w.open {
			out = append(out, fmt.Sprintf("%s: a transaction has been open since offset %d", name, w.end))
		}
	}
	return out
}
