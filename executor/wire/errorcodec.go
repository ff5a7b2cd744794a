package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// An error crosses as its text and as what the driver decides by: which of the errors below are in its chain. On the other side it is
// a remote error with the same text, in whose chain they are again.

// The most bytes of an error's text, of a panic's stack, and of a bad record that cross.
const longestText, longestStack, longestRecord = 16 << 10, 32 << 10, 4 << 10

// What an error is or has in it, a bit each.
const (
	isPermanent = 1 << iota
	isCanceled
	isDeadline
	hasErrno
	hasFetch
	hasDigest
	hasEpoch
	hasLoss
	hasBadRecord
	hasPanic
)

// found is what was found in an error's chain.
type found struct {
	marks  uint64
	errno  syscall.Errno
	fetch  *rdd.FetchError
	digest *DigestError
	epoch  *EpochError
	loss   *dstream.LossError
	bad    *dstream.BadRecordError
	panic  *rdd.PanicError
}

func find(err error) (f found) {
	for mark, in := range map[uint64]bool{
		isPermanent: errors.Is(err, dstream.ErrPermanent), isCanceled: errors.Is(err, context.Canceled),
		isDeadline: errors.Is(err, context.DeadlineExceeded), hasErrno: errors.As(err, &f.errno), hasFetch: errors.As(err, &f.fetch),
		hasDigest: errors.As(err, &f.digest), hasEpoch: errors.As(err, &f.epoch), hasLoss: errors.As(err, &f.loss),
		hasBadRecord: errors.As(err, &f.bad), hasPanic: errors.As(err, &f.panic),
	} {
		if in {
			f.marks |= mark
		}
	}
	if errors.Is(err, syscall.ENOSPC) { // also behind another number
		f.errno = syscall.ENOSPC
	}
	return f
}

// appendError writes an error, or that there is none.
func appendError(b []byte, err error) []byte {
	if err == nil {
		return append(b, 0)
	}
	f := find(err)
	b = appendText(append(b, 1), shortened(err.Error(), longestText))
	b = appendInt(b, int64(f.marks))
	if f.marks&hasErrno != 0 {
		b = appendInt(b, int64(f.errno))
	}
	if f.fetch != nil {
		b = appendText(appendBool(appendInt(appendBlock(b, f.fetch.Block), int64(f.fetch.Attempt)), f.fetch.Cut), shortened(fmt.Sprint(f.fetch.Err), longestText))
	}
	if f.digest != nil {
		b = appendText(appendText(b, f.digest.Driver), f.digest.Worker)
	}
	if f.epoch != nil {
		b = appendInt(appendInt(appendText(b, f.epoch.Worker), f.epoch.Have), f.epoch.Want)
	}
	if f.loss != nil {
		raw, _ := json.Marshal(f.loss) // of strings and numbers: it cannot fail
		b = appendBytes(b, raw)
	}
	if f.bad != nil {
		b = appendText(appendText(b, f.bad.Source), f.bad.Bad.Position)
		b = appendBytes(appendText(b, f.bad.Bad.Reason), f.bad.Bad.Bytes[:min(len(f.bad.Bad.Bytes), longestRecord)])
	}
	if f.panic != nil {
		b = appendText(appendText(b, shortened(fmt.Sprint(f.panic.Value), longestText)), shortened(f.panic.Stack, longestStack))
	}
	return b
}

// shortened cuts s after so many bytes, between two letters.
func shortened(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}

// remote is an error of the other end.
type remote struct {
	text string
	in   []error
}

func (r *remote) Error() string   { return r.text }
func (r *remote) Unwrap() []error { return r.in }

func readError(d *decoder) error {
	if !d.bool() {
		return nil
	}
	d.charge(int(unsafe.Sizeof(remote{})) + 256)
	r := &remote{text: string(d.raw())}
	marks := d.int64()
	add := func(mark int64, read func() error) {
		if marks&mark != 0 && d.err == nil {
			r.in = append(r.in, read())
		}
	}
	is := func(err error) func() error { return func() error { return err } }
	add(isPermanent, is(dstream.ErrPermanent))
	add(isCanceled, is(context.Canceled))
	add(isDeadline, is(context.DeadlineExceeded))
	add(hasErrno, func() error { return syscall.Errno(d.int64()) })
	add(hasFetch, func() error {
		return &rdd.FetchError{Block: readBlock(d), Attempt: d.int(), Cut: d.bool(), Err: errors.New(string(d.raw()))}
	})
	add(hasDigest, func() error { return &DigestError{Driver: d.text(), Worker: d.text()} })
	add(hasEpoch, func() error { return &EpochError{Worker: d.text(), Have: d.int64(), Want: d.int64()} })
	add(hasLoss, func() error {
		e := &dstream.LossError{}
		readJSON(d, e)
		return e
	})
	add(hasBadRecord, func() error {
		e := &dstream.BadRecordError{Source: d.text()}
		e.Bad = dstream.BadRecord{Position: d.text(), Reason: d.text(), Bytes: d.bytes()}
		return e
	})
	add(hasPanic, func() error { return &rdd.PanicError{Value: string(d.raw()), Stack: string(d.raw())} })
	return r
}
