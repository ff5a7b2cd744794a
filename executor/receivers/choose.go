package receivers

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// choose returns the holders of a new segment: two, of different racks if there are any, or what there is. Those that hold the segment before
// come first, so that a log stays where it is; then it is a hash of the log and the name that decides, so that logs are spread evenly. Those to
// avoid have failed a while ago: they are taken only if there is nobody else.
func choose(live []Holder, log Log, before []Holder, avoid map[string]bool) []Holder {
	good := slices.DeleteFunc(slices.Clone(live), func(h Holder) bool { return avoid[h.Name] })
	if len(good) == 0 {
		good = slices.Clone(live)
	}
	is := func(h Holder) int {
		if slices.ContainsFunc(before, func(b Holder) bool { return b.Name == h.Name }) {
			return 0
		}
		return 1
	}
	slices.SortFunc(good, func(a, b Holder) int {
		return cmp.Or(is(a)-is(b), cmp.Compare(weight(log, a), weight(log, b)), cmp.Compare(a.Name, b.Name))
	})
	good = slices.CompactFunc(good, func(a, b Holder) bool { return a.Name == b.Name })
	if len(good) < 2 {
		return good
	}
	second := 1
	if other := slices.IndexFunc(good, func(h Holder) bool { return h.Rack != good[0].Rack }); other > 0 {
		second = other
	}
	return []Holder{good[0], good[second]}
}

func weight(log Log, h Holder) uint64 {
	f := fnv.New64a()
	for _, s := range []string{log.Job, log.Receiver, h.Name} {
		f.Write([]byte(s))
		f.Write([]byte{0})
	}
	return f.Sum64()
}
