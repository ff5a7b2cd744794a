package ring

import (
	"iter"
	"math"
	"math/bits"
	"slices"
)

// index prepares the search: slots so narrow that a token has about one range to look at.
func (p *Placement) index() {
	slots := min(bits.Len(uint(len(p.ends))), 20)
	p.shift = uint(64 - slots)
	p.starts = make([]int32, 1<<slots+1)
	p.starts[1<<slots] = int32(len(p.ends))
	at := 0
	for slot := range 1 << slots {
		low := Token(uint64(slot)<<p.shift ^ 1<<63)
		for at < len(p.ends) && p.ends[at] < low {
			at++
		}
		p.starts[slot] = int32(at)
	}
}

// Len is the number of ranges, 0 without nodes.
func (p *Placement) Len() int { return len(p.ends) }

// Locate is the number of the range that a token lies in, for Holders. A placement without ranges has none: then it is -1.
func (p *Placement) Locate(t Token) int32 {
	if len(p.ends) == 0 {
		return -1
	}
	slot := (uint64(t) ^ 1<<63) >> p.shift
	low, high := p.starts[slot], p.starts[slot+1]
	for low < high {
		if mid := (low + high) / 2; p.ends[mid] < t {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if int(low) == len(p.ends) { // beyond the last token: the range that wraps
		return 0
	}
	return low
}

// AppendLocated appends Locate of each token: a whole column at once.
func (p *Placement) AppendLocated(dst []int32, tokens []Token) []int32 {
	dst = slices.Grow(dst, len(tokens))
	for _, t := range tokens {
		dst = append(dst, p.Locate(t))
	}
	return dst
}

// Holders are the nodes that hold a range, as indices of what Place was given; the first is the primary. The slice is not the caller's.
func (p *Placement) Holders(of int32) []int32 {
	if of < 0 {
		return nil
	}
	return p.replicas[of]
}

// Replicas are the nodes that hold a token: Holders of Locate. It is empty without nodes.
func (p *Placement) Replicas(t Token) []int32 { return p.Holders(p.Locate(t)) }

// Range is a part of the ring: the tokens after After, up to and with End. The lowest token, which no row has, lies in none.
type Range struct{ After, End Token }

// Ranges yields the ring in ascending order, and with each range its number. The one that wraps around comes as two, first and last,
// of one number; a ring of a single token is one range.
func (p *Placement) Ranges() iter.Seq2[Range, int32] {
	return func(yield func(Range, int32) bool) {
		after := Token(math.MinInt64)
		if len(p.ends) == 1 {
			yield(Range{after, math.MaxInt64}, 0)
			return
		}
		for i, end := range p.ends {
			if end > after && !yield(Range{after, end}, int32(i)) {
				return
			}
			after = end
		}
		if len(p.ends) > 0 && after < math.MaxInt64 {
			yield(Range{after, math.MaxInt64}, 0)
		}
	}
}
