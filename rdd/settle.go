package rdd

import (
	"reflect"
	"sync"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

// places are the offsets of what has to be settled when a row is kept: fields that stand directly in it, in nested structs and
// arrays too. What lies behind slices, maps and pointers is not among them.
type places struct {
	size   uintptr   // of a row
	texts  []uintptr // string
	times  []uintptr // time.Time
	slices []uintptr // []byte, []E
}

var placesOfType sync.Map // reflect.Type → *places

func placesOf[T any]() *places {
	t := reflect.TypeFor[T]()
	if known, ok := placesOfType.Load(t); ok {
		return known.(*places)
	}
	p := &places{size: t.Size()}
	p.collect(codecFor[T]().Fields, 0)
	first, _ := placesOfType.LoadOrStore(t, p)
	return first.(*places)
}

func (p *places) collect(fields []codec.Field, base uintptr) {
	for i := range fields {
		f := &fields[i]
		at := base + f.Offset
		if f.Nullable {
			continue
		}
		switch f.Kind {
		case codec.String:
			p.texts = append(p.texts, at)
		case codec.Time:
			p.times = append(p.times, at)
		case codec.Bytes, codec.List:
			p.slices = append(p.slices, at)
		case codec.Struct:
			p.collect(f.Fields, at)
		case codec.Array:
			for e := range f.Type.Len() {
				p.collect(f.Fields, at+uintptr(e)*f.Type.Elem().Size())
			}
		}
	}
}

// none tells that rows are settled as they are.
func (p *places) none() bool { return len(p.texts)+len(p.times)+len(p.slices) == 0 }

// bytes is the number of bytes of text in n rows from base on.
func (p *places) bytes(base unsafe.Pointer, n int) int64 {
	total, size := 0, p.size
	for _, at := range p.texts {
		for r := range n {
			total += len(*(*string)(unsafe.Add(base, uintptr(r)*size+at)))
		}
	}
	return int64(total)
}

// move copies the text of n rows from base on to the front of buf and lets the rows point there. It returns the place behind.
func (p *places) move(base unsafe.Pointer, n int, buf []byte) int {
	pos, size := 0, p.size
	for _, at := range p.texts {
		for r := range n {
			s := (*string)(unsafe.Add(base, uintptr(r)*size+at))
			if len(*s) == 0 {
				*s = "" // an empty string may still point somewhere
				continue
			}
			end := pos + copy(buf[pos:], *s)
			*s = unsafe.String(&buf[pos], end-pos)
			pos = end
		}
	}
	return pos
}

// level gives times and empty slices the form in which the codec reads them back. Whether a block has left memory in between
// must not decide which keys are equal.
func (p *places) level(base unsafe.Pointer, n int) {
	for _, at := range p.times {
		for r := range n {
			t := (*time.Time)(unsafe.Add(base, uintptr(r)*p.size+at))
			if µs := time.UnixMicro(t.UnixMicro()); µs.Unix() == t.Unix() { // else out of range: the codec reports it
				*t = µs.UTC()
			}
		}
	}
	for _, at := range p.slices {
		for r := range n {
			if s := (*[]byte)(unsafe.Add(base, uintptr(r)*p.size+at)); len(*s) == 0 {
				*s = nil // a header is a header, whatever the elements
			}
		}
	}
}

// textBytes is the number of bytes of text that rows point to.
func textBytes[T any](rows []T) int64 {
	if len(rows) == 0 {
		return 0
	}
	return placesOf[T]().bytes(unsafe.Pointer(&rows[0]), len(rows))
}

// settle makes rows fit to be kept. Their text, which may point into a fetch buffer or a block, moves to one buffer of their own:
// else 41 kept bytes would pin a whole buffer of a megabyte. Their values become what they would be had they been written and
// read back.
func settle[T any](rows []T) {
	if len(rows) == 0 {
		return
	}
	p := placesOf[T]()
	if p.none() {
		return
	}
	base := unsafe.Pointer(&rows[0])
	p.level(base, len(rows))
	if len(p.texts) > 0 {
		p.move(base, len(rows), make([]byte, p.bytes(base, len(rows))))
	}
}
