package format

import (
	"encoding/binary"
	"unsafe"
)

// literal is text that is compared eight bytes at a time, in whatever order the machine has them.
type literal struct {
	text string
	word [3]uint64 // of text, filled up with zeros
	mask [3]uint64 // of the bytes that belong to text
	rest string    // of text, behind the words
}

// wordBytes is how many bytes must be there for a comparison by words.
const wordBytes = int(unsafe.Sizeof(literal{}.word))

func newLiteral(text string) literal {
	l := literal{text: text}
	var word, mask [wordBytes]byte
	n := copy(word[:], text)
	l.rest = text[n:]
	for i := range n {
		mask[i] = 0xff
	}
	for i := range l.word {
		l.word[i] = binary.NativeEndian.Uint64(word[8*i:])
		l.mask[i] = binary.NativeEndian.Uint64(mask[8*i:])
	}
	return l
}

// begins reports whether the words of l are at p, where wordBytes are.
func (l *literal) begins(p unsafe.Pointer) bool {
	w := (*[3]uint64)(p)
	return (w[0]^l.word[0])&l.mask[0]|(w[1]^l.word[1])&l.mask[1]|(w[2]^l.word[2])&l.mask[2] == 0
}

// at reports whether b[i:] begins with l. i may be beyond the end of b.
func (l *literal) at(b []byte, i int) bool {
	if i+wordBytes > len(b) {
		return i+len(l.text) <= len(b) && string(b[i:i+len(l.text)]) == l.text
	}
	if !l.begins(unsafe.Add(unsafe.Pointer(unsafe.SliceData(b)), i)) {
		return false
	}
	i += wordBytes
	return l.rest == "" || i+len(l.rest) <= len(b) && string(b[i:i+len(l.rest)]) == l.rest
}
