package dstream

import "errors"

// ErrPermanent marks an error of a source, sink or step that no retry can mend: wrap it, and the batch fails at once.
var ErrPermanent = errors.New("a retry would fail in the same way")
