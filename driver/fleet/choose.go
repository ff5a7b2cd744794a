package fleet

import (
	"cmp"
	"slices"
)

// candidate is an executor that may be chosen.
type candidate struct {
	name, rack string
	memory     int64 // free, in bytes
	has        bool  // a worker of the job already, with its state perhaps
	chosen     bool  // already
	up         bool  // its worker is
}

// choose returns the names of n of the candidates, or of all if n is 0. Those already chosen stay, as far as there is room. The next one is
// one that has a worker, then that of the rack with the fewest, then the one with the most free memory, then the first by name; the first to
// go is one that is not up, then the last that would have been taken.
func choose(of []candidate, n int) map[string]bool {
	if n == 0 {
		n = len(of)
	}
	c := &choice{racks: map[string]int{}}
	for _, x := range of {
		if x.chosen {
			c.racks[x.rack]++
			c.in = append(c.in, x)
		} else {
			c.out = append(c.out, x)
		}
	}
	for len(c.in) > n {
		c.drop()
	}
	for len(c.in) < n && len(c.out) > 0 {
		c.take()
	}
	names := map[string]bool{}
	for _, x := range c.in {
		names[x.name] = true
	}
	return names
}

// choice is one under way.
type choice struct {
	in, out []candidate
	racks   map[string]int // how many of in each has
}

// take moves the best of out to in.
func (c *choice) take() {
	best := slices.MinFunc(c.out, func(a, b candidate) int {
		return cmp.Or(order(b.has, a.has), c.racks[a.rack]-c.racks[b.rack], better(a, b))
	})
	c.out = slices.DeleteFunc(c.out, func(x candidate) bool { return x.name == best.name })
	c.in = append(c.in, best)
	c.racks[best.rack]++
}

// drop removes the worst of in.
func (c *choice) drop() {
	worst := slices.MaxFunc(c.in, func(a, b candidate) int {
		return cmp.Or(order(b.up, a.up), c.racks[a.rack]-c.racks[b.rack], better(a, b))
	})
	c.in = slices.DeleteFunc(c.in, func(x candidate) bool { return x.name == worst.name })
	c.racks[worst.rack]--
}

// better compares two candidates of equal racks: below zero if a comes first.
func better(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.memory, a.memory), cmp.Compare(a.name, b.name))
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
