package format

import "bytes"

// finder looks for a rare byte in one record of a buffer after the other. It remembers how far ahead there is none.
type finder struct{ clear int }

// ahead is how far a finder looks at a time, in bytes: far enough to be cheap, and not so far that what it read has left the
// processor's nearest cache when the records are read.
const ahead = 8 << 10

// reset is called for each buffer.
func (f *finder) reset() { f.clear = 0 }

// in reports whether b[from:to] has a c. Between resets b and c stay the same and from only grows.
func (f *finder) in(b []byte, from, to int, c byte) bool {
	if f.clear >= to {
		return false
	}
	return f.search(b, from, to, c)
}

func (f *finder) search(b []byte, from, to int, c byte) bool {
	for f.clear = max(f.clear, from); f.clear < to; {
		stop := min(max(f.clear+ahead, to), len(b))
		n := bytes.IndexByte(b[f.clear:stop], c)
		if n < 0 {
			f.clear = stop
			continue
		}
		f.clear += n
		return f.clear < to
	}
	return false
}
