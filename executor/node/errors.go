package node

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
)

// What a daemon refuses. Each error of a Client is one of these, an error of the transport, or another one that says what happened.
var (
	// ErrNoDriver says that no driver attends the job at this daemon.
	ErrNoDriver = errors.New("no driver attends the job here")
	// ErrNoJob says that the daemon knows no such job.
	ErrNoJob = errors.New("no such job")
	// ErrNoBinary says that the daemon does not hold the binary: Put it.
	ErrNoBinary = errors.New("no such binary")
	// ErrAltered says that a binary is not what its digest or its signature says.
	ErrAltered = errors.New("the binary was altered")
	// ErrDraining says that the daemon is about to end.
	ErrDraining = errors.New("the executor is draining")
	// ErrRoom says that memory, disk or slots do not suffice.
	ErrRoom = errors.New("not enough room")
	// ErrReplaced says that a driver of a higher epoch has taken the job.
	ErrReplaced = errors.New("replaced by a driver of a higher epoch")
	// ErrEngine says that the two sides are of different versions.
	ErrEngine = errors.New("different versions of the engine")
	// ErrInvalid says that what was asked for cannot be: a mistake of the caller.
	ErrInvalid = errors.New("invalid")
	// ErrDenied says that the caller's certificate has no role for this.
	ErrDenied = errors.New("permission denied")
	// ErrWorker says that the worker could not be started, or does not come up.
	ErrWorker = errors.New("the worker does not start")
)

// reasons are the errors that travel, by the word that stands for them in the trailer of a call.
var reasons = []struct {
	word string
	err  error
	code codes.Code
}{
	{"no-driver", ErrNoDriver, codes.NotFound},
	{"no-job", ErrNoJob, codes.NotFound},
	{"no-binary", ErrNoBinary, codes.NotFound},
	{"altered", ErrAltered, codes.DataLoss},
	{"draining", ErrDraining, codes.Unavailable},
	{"room", ErrRoom, codes.ResourceExhausted},
	{"replaced", ErrReplaced, codes.FailedPrecondition},
	{"engine", ErrEngine, codes.FailedPrecondition},
	{"invalid", ErrInvalid, codes.InvalidArgument},
	{"worker", ErrWorker, codes.Aborted},
}

// refusal is an error with a text of its own that is one of the errors above.
type refusal struct {
	is   error
	text string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.is }

// quoted is what grpc puts around the reason why there is no connection.
var quoted = regexp.MustCompile(`connection error: desc = ("(?:[^"\\]|\\.)*")`)

// Plain is an error's text without what grpc puts around the system's own words for why there is no connection.
func Plain(text string) string {
	text = quoted.ReplaceAllStringFunc(text, func(s string) string {
		why, err := strconv.Unquote(strings.TrimPrefix(s, "connection error: desc = "))
		if err != nil {
			return s
		}
		return why
	})
	return strings.NewReplacer("transport: Error while dialing: ", "", "transport: ", "").Replace(text)
}
