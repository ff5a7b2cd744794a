package receivers

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// What an executor refuses.
var (
	// ErrReplaced says that a driver of a higher epoch, or of a later checkpoint, has the log.
	ErrReplaced = errors.New("replaced by a driver of a higher epoch or of a later checkpoint")
	// ErrPlace says that bytes were meant for another place than that at which the segment ends.
	ErrPlace = errors.New("not where the segment ends")
	// ErrGone says that there is no such segment, or not so much of it.
	ErrGone = errors.New("not in the log")
	// ErrRoom says that disk or limits do not suffice.
	ErrRoom = errors.New("not enough room")
	// ErrInvalid says that a call is none that a driver or worker of this version makes.
	ErrInvalid = errors.New("invalid")
)

var reasons = []struct {
	err  error
	code codes.Code
}{
	{ErrReplaced, codes.FailedPrecondition}, {ErrPlace, codes.OutOfRange}, {ErrGone, codes.NotFound}, {ErrRoom, codes.ResourceExhausted},
	{ErrInvalid, codes.InvalidArgument},
}

// refused turns an error into one that travels.
func refused(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		err = fmt.Errorf("%w: %w: free some space on the executor's disk", ErrRoom, err)
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return status.Error(r.code, err.Error())
		}
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Error(codes.Internal, err.Error())
}

// refusal is an error of an executor, with its own text.
type refusal struct {
	is   error
	text string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.is }

// understood turns what has travelled back into an error.
func understood(err error) error {
	s, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	switch s.Code() {
	case codes.Canceled:
		return &refusal{context.Canceled, s.Message()}
	case codes.DeadlineExceeded:
		return &refusal{context.DeadlineExceeded, s.Message()}
	}
	for _, r := range reasons {
		if r.code == s.Code() {
			return &refusal{r.err, s.Message()}
		}
	}
	return &refusal{err, s.Message()}
}
