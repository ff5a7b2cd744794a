package format

import (
	"bytes"
	"math"
	"time"
	"unicode/utf8"
	"unsafe"
)

// layout is a shape of records: literal text with slots for values between. All punctuation and all names are in the
// literals, also those of nested objects, so that only values need looking at.
//
// A record fits if the literals are where the slots' ends say, numbers are numbers, and the record as a whole has as many
// quotes as the literals, no backslash, no control character and only valid UTF-8. Then no slot hides a quote, so each
// string ends where it seems to, and the record is JSON of just this shape.
type layout struct {
	first  literal // before the first slot
	slots  []slot
	set    []int // slots that set a field
	quotes int   // in the literals
}

// slot is the place of a string, between its quotes, or of another value without parts.
type slot struct {
	after  literal // behind it
	guess  int     // the length of the next value, most likely; unguessed where looking for its end is quicker
	wrong  int     // guesses
	pause  int     // how many values are still looked for before the next guess
	quoted bool
	offset uintptr
	to     *node // what it sets; nil if nothing
	string bool  // … that is a string,
	moment bool  // … or a time
	at     span  // where it was in the last record that fit
}

// unguessed is longer than any buffer.
const unguessed = math.MaxInt / 2

// match returns where the record at b[i:] ends if its literals are those of l, else 0. The slots know their places then.
func (l *layout) match(b []byte, i int) int {
	if !l.first.at(b, i) {
		return 0
	}
	i += len(l.first.text)
	start, room := unsafe.Pointer(unsafe.SliceData(b)), len(b)-wordBytes
	for k := range l.slots {
		s := &l.slots[k]
		hi := i + s.guess
		if hi > room || !s.after.begins(unsafe.Add(start, hi)) {
			if hi = s.find(b, i); hi < 0 {
				return 0
			}
		}
		s.at = span{i, hi}
		i = hi + len(s.after.text)
	}
	return i
}

// find returns where the value that begins at b[i] ends, behind which the next literal is; else -1.
func (s *slot) find(b []byte, i int) int {
	n := -1
	if s.quoted {
		n = bytes.IndexByte(b[i:], '"')
		s.learn(n)
	} else if n = numberLen(b[i:]); n == 0 {
		n = wordLen(b[i:])
	}
	if n < 0 || n == 0 && !s.quoted || !s.after.at(b, i+n) {
		return -1
	}
	return i + n
}

// learn takes note of the length of a string that had to be looked for, -1 if it has no end. A wrong guess costs more than
// none, so after a few there are none for a while. None is made where the next literal is too long to be compared by words.
func (s *slot) learn(n int) {
	if s.guess == unguessed {
		if s.pause--; s.pause > 0 || s.after.rest != "" {
			return
		}
	} else if s.wrong++; s.wrong > patience {
		s.guess, s.wrong, s.pause = unguessed, 0, pause
		return
	}
	s.guess = max(n, 0)
}

const patience, pause = 4, 100

// wordLen is the length of the word of JSON that b begins with, 0 if it begins with none.
func wordLen(b []byte) int {
	for _, word := range [...]string{"true", "false", "null"} {
		if len(b) >= len(word) && string(b[:len(word)]) == word {
			return len(word)
		}
	}
	return 0
}

// proves reports whether rec, whose literals match, has nothing in its slots that does not belong there. Backslashes are
// looked for elsewhere.
func (l *layout) proves(rec []byte) bool {
	if bytes.Count(rec, quote) != l.quotes {
		return false
	}
	c := classOf(rec)
	return c == printable || c == wide && utf8.Valid(rec)
}

var quote = []byte{'"'}

// fill sets the fields of a zero row from the record in b that was matched last. False: a value does not fit its field, and
// the row is partly set.
func (l *layout) fill(row unsafe.Pointer, b []byte) bool {
	for _, k := range l.set {
		s := &l.slots[k]
		v := unsafe.Add(row, s.offset)
		text := b[s.at.lo:s.at.hi:s.at.hi]
		if s.string {
			*(*string)(v) = view(text)
			continue
		}
		if s.moment {
			if at, ok := s.to.unit.epoch(text); ok {
				*(*time.Time)(v) = at
				continue
			}
		}
		if s.to.value(v, b, s.lo(), s.hi()) != nil {
			return false
		}
	}
	return true
}

// lo and hi are the place of the slot's value with its quotes.
func (s *slot) lo() int {
	if s.quoted {
		return s.at.lo - 1
	}
	return s.at.lo
}

func (s *slot) hi() int {
	if s.quoted {
		return s.at.hi + 1
	}
	return s.at.hi
}
