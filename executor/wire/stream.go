package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// AppendMessages appends a frame with the first messages of ms: all of them, or as many as fill it. It returns how many that were. number
// counts the frames of an attachment from 1. No messages make a beat. A message that was Packed is copied.
func AppendMessages(dst []byte, h Header, number uint64, ms []Message) (frame []byte, n int, err error) {
	return appendFrame(dst, kindMessages, h, number, ms, appendMessage)
}

// AppendReports is AppendMessages for reports.
func AppendReports(dst []byte, h Header, number uint64, rs []Report) (frame []byte, n int, err error) {
	return appendFrame(dst, kindReports, h, number, rs, appendReport)
}

func appendFrame[M any](dst []byte, k kind, h Header, number uint64, ms []M, one func([]byte, M) ([]byte, error)) (_ []byte, n int, err error) {
	from := len(dst)
	dst = begin(dst, k)
	dst = appendHeader(dst, h)
	dst = binary.AppendUvarint(dst, number)
	for n < len(ms) && len(dst)-from < fullFrame {
		if dst, err = one(dst, ms[n]); err != nil {
			return dst[:from], n, fmt.Errorf("encode %T: %w", ms[n], err)
		}
		n++
	}
	dst, err = end(dst, from)
	return dst, n, err
}

func appendHeader(dst []byte, h Header) []byte {
	dst = appendInt(dst, h.Epoch)
	dst = binary.LittleEndian.AppendUint64(dst, h.Incarnation)
	return appendText(dst, h.Graph)
}

// ForeignError says that a frame does not belong to the attachment that it came on: it is of a driver that was replaced, of an attachment
// that has ended, or of another build of the job. It must change nothing.
type ForeignError struct{ Have, Want Header }

// Error names what differs.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("a frame of epoch %d, incarnation %x, graph %s where epoch %d, incarnation %x, graph %s are attached",
		e.Have.Epoch, e.Have.Incarnation, e.Have.Graph, e.Want.Epoch, e.Want.Incarnation, e.Want.Graph)
}

// RefusedError is what the other end has to say instead of going on: a *DigestError or *EpochError in it, or another reason.
type RefusedError struct{ Err error }

// Error is the other end's error.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns it.
func (e *RefusedError) Unwrap() error { return e.Err }

// Reader decodes the frames of one stream. It remembers names, so that those that come in every frame are made once. One goroutine
// uses it. What it returns does not refer to the frame. A slice or map that was empty comes back nil.
type Reader struct{ names names }

// Messages decodes a frame of messages, if its header is want: otherwise it returns a *ForeignError, and nothing of the frame. An error
// that is not a *ForeignError or *RefusedError wraps ErrFrame.
func (r *Reader) Messages(frame []byte, want Header) (number uint64, ms []Message, err error) {
	return readFrame(r, kindMessages, frame, want, readMessage)
}

// Reports is Messages for reports.
func (r *Reader) Reports(frame []byte, want Header) (number uint64, rs []Report, err error) {
	return readFrame(r, kindReports, frame, want, readReport)
}

func readFrame[M any](r *Reader, k kind, frame []byte, want Header, one func(*decoder) M) (number uint64, ms []M, err error) {
	d, err := openAs(frame, k, &r.names)
	if err != nil {
		return 0, nil, err
	}
	have := Header{Epoch: d.int64(), Incarnation: d.fixed64(), Graph: d.text()}
	number = d.uvarint()
	if d.err == nil && have != want {
		return 0, nil, &ForeignError{have, want}
	}
	for d.err == nil && len(d.rest) > 0 {
		d.charge(messageSize)
		if m := one(d); d.err == nil {
			ms = append(ms, m)
		}
	}
	if d.err != nil {
		return 0, nil, d.err
	}
	return number, ms, nil
}

// messageSize is about what a message takes beside what it refers to.
const messageSize = 128

// AppendAttach appends the frame that a driver sends first.
func AppendAttach(dst []byte, a Attach) ([]byte, error) {
	from := len(dst)
	dst = begin(dst, kindAttach)
	dst = appendInt(appendText(dst, a.Job), a.Epoch)
	return end(appendText(appendText(dst, a.Graph), a.Engine), from)
}

// Attach decodes it.
func (r *Reader) Attach(frame []byte) (Attach, error) {
	d, err := openAs(frame, kindAttach, nil)
	if err != nil {
		return Attach{}, err
	}
	a := Attach{Job: d.text(), Epoch: d.int64(), Graph: d.text(), Engine: d.text()}
	return a, d.close()
}

// AppendHello appends the frame that a worker answers with.
func AppendHello(dst []byte, h Hello) ([]byte, error) {
	from := len(dst)
	dst = begin(dst, kindHello)
	dst = binary.LittleEndian.AppendUint64(appendText(dst, h.Worker), h.Incarnation)
	dst = appendText(appendID(dst, h.Slots), h.Address)
	dst = appendText(appendText(dst, h.Graph), h.Engine)
	dst = appendAll(dst, h.Held, appendStateRef)
	dst = appendAll(appendInt(dst, h.PendingBatch), h.Pending, appendStateRef)
	return end(dst, from)
}

// Hello decodes it. What the worker sent instead, it returns as a *RefusedError.
func (r *Reader) Hello(frame []byte) (Hello, error) {
	d, err := openAs(frame, kindHello, nil)
	if err != nil {
		return Hello{}, err
	}
	h := Hello{
		Worker: d.text(), Incarnation: d.fixed64(), Slots: d.id(), Address: d.text(), Graph: d.text(), Engine: d.text(),
		Held: readAll(d, leastStateRef, readStateRef), PendingBatch: d.int64(), Pending: readAll(d, leastStateRef, readStateRef),
	}
	return h, d.close()
}

// AppendRefusal appends the frame that ends a stream with a reason. Either end may send it at any time, also instead of Hello.
func AppendRefusal(dst []byte, why error) ([]byte, error) {
	if why == nil {
		return dst, errors.New("a refusal without a reason")
	}
	from := len(dst)
	return end(appendError(begin(dst, kindRefusal), why), from)
}
