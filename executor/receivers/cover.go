package receivers

import (
	"cmp"
	"slices"
)

// copyOf is a segment at an executor, as it was listed.
type copyOf struct {
	held
	at Holder
}

// found is what executors have of a log.
type found struct {
	copies []copyOf
}

// limit is the place up to which a segment of an epoch counts: what a zombie has written after a later driver had looked, does not.
func (f found) limit(epoch int64) int64 {
	limit := int64(forever)
	for _, c := range f.copies {
		if c.Epoch > epoch {
			limit = min(limit, c.Until)
		}
	}
	return limit
}

// sealed tells whether the log ends with a sealed segment, which a writer does only when it has begun another one: that lies with executors that were
// not asked.
func (f found) sealed() bool {
	var last copyOf
	for _, c := range f.copies {
		if n := c.Segment.compare(last.Segment); n > 0 || n == 0 && c.Sealed {
			last = c
		}
	}
	return last.Sealed
}

// start is the first place that counts, 0 if there is nothing.
func (f found) start() int64 {
	if at, ok := f.after(-1); ok {
		return at
	}
	return 0
}

// after is the first place behind at at which something begins that counts.
func (f found) after(at int64) (first int64, ok bool) {
	for _, c := range f.copies {
		if c.Start > at && c.Start < min(c.End, f.limit(c.Epoch)) && (!ok || c.Start < first) {
			first, ok = c.Start, true
		}
	}
	return first, ok
}

// next is the piece that begins at a place: of the latest driver that has it, with two holders if there are two, as far as both reach.
func (f found) next(at int64) (p piece, ok bool) {
	var best []copyOf
	for _, c := range f.copies {
		c.End = min(c.End, f.limit(c.Epoch))
		if c.Start > at || c.End <= at {
			continue
		}
		if len(best) > 0 {
			switch c.Segment.compare(best[0].Segment) {
			case -1:
				continue
			case 1:
				best = nil
			}
		}
		best = append(best, c)
	}
	if len(best) == 0 {
		return p, false
	}
	slices.SortFunc(best, func(a, b copyOf) int { return cmp.Or(cmp.Compare(b.End, a.End), cmp.Compare(a.at.Name, b.at.Name)) })
	best = best[:min(2, len(best))]
	p = piece{Segment: best[0].Segment, From: at, To: best[len(best)-1].End}
	for _, c := range best {
		p.Holders = append(p.Holders, c.at)
	}
	return p, true
}

// cover puts pieces together from a place on, over ranges whose loss was accepted. gap: something is missing behind the last of them, and
// more comes after it.
func (f found) cover(at int64, lost []span) (pieces []piece, gap *span) {
	for {
		if p, ok := f.next(at); ok {
			pieces, at = append(pieces, p), p.To
			continue
		}
		if i := slices.IndexFunc(lost, func(l span) bool { return l.From <= at && at < l.To }); i >= 0 {
			at = lost[i].To
			continue
		}
		if more, ok := f.after(at); ok {
			gap = &span{at, more}
		}
		return pieces, gap
	}
}

// file is a segment that is removed once all before end is committed.
type file struct {
	Segment
	start, end int64
	holders    []Holder
}

// files are all segments, also those that do not count.
func (f found) files() (out []file) {
	for _, c := range f.copies {
		end := min(c.End, f.limit(c.Epoch))
		i := slices.IndexFunc(out, func(o file) bool { return o.Segment == c.Segment })
		if i < 0 {
			i = len(out)
			out = append(out, file{Segment: c.Segment, start: c.Start, end: end})
		}
		out[i].end = max(out[i].end, end)
		out[i].holders = append(out[i].holders, c.at)
	}
	slices.SortFunc(out, func(a, b file) int { return cmp.Or(cmp.Compare(a.start, b.start), a.Segment.compare(b.Segment)) })
	return out
}
