package dstream

import "errors"

// ErrPermanent marks an error of a source, sink or step that no retry can mend: wrap it, and the batch fails at once.
var ErrPermanent = errors.New("a retry would fail in the same way")

// Permanent marks err as ErrPermanent without a word more: what to do about it is in err. nil stays nil.
func Permanent(err error) error {
	if err == nil || errors.Is(err, ErrPermanent) {
		return err
	}
	return permanent{err}
}

type permanent struct{ error }

// Unwrap returns both.
func (p permanent) Unwrap() []error { return []error{p.error, ErrPermanent} }
