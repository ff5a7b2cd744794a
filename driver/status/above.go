package status

import (
	"bytes"
	"io"
)

// maxTail bounds what waits for the end of its line; a longer one is broken.
const maxTail = 64 << 10

// above writes whole lines to w where the live line was, and lets that be drawn again below.
type above struct {
	p    *Progress
	w    io.Writer
	tail []byte // begun, not ended
}

func (a *above) Write(text []byte) (int, error) {
	a.p.mu.Lock()
	defer a.p.mu.Unlock()
	if a.p.opt.Mode != Live || a.p.ended {
		return a.w.Write(text)
	}
	a.tail = append(a.tail, text...)
	end := bytes.LastIndexByte(a.tail, '\n') + 1
	if end == 0 && len(a.tail) >= maxTail {
		a.tail = append(a.tail, '\n')
		end = len(a.tail)
	}
	if end == 0 {
		return len(text), nil
	}
	a.p.erase()
	_, err := a.w.Write(a.tail[:end])
	a.tail = append(a.tail[:0], a.tail[end:]...)
	a.p.draw()
	return len(text), err
}

// flush writes what has been begun, and ends its line. The caller holds the lock and has erased the live line.
func (a *above) flush() {
	if len(a.tail) > 0 {
		a.p.write(a.w, string(a.tail)+"\n")
		a.tail = nil
	}
}
