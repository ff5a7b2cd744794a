package restart

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Statuses by which a job says that it did not end by its own will. A Go program that panics exits with 2.
const (
	statusPanic = 2
	// Again is the exit status by which a job asks to be started again.
	Again = 70
)

// Exit is how the job ended.
type Exit struct {
	// Crash says that it is to be started again.
	Crash bool
	// Status is the exit status, or 128 + the signal, as shells count.
	Status int
	// Text describes the end: "exit status 2", "signal: killed".
	Text string
	// Batch is the last batch that is committed; Known says that it could be read. A job that has not committed any
	// batch counts as not known.
	Batch int64
	Known bool
	// Ran is how long the job ran.
	Ran time.Duration
}

// ExitOf reads the end of a command from what its Wait returned. An error means that there was no end.
func ExitOf(s *os.ProcessState, err error) (Exit, error) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return Exit{}, fmt.Errorf("wait for the job: %w", err)
	}
	e := Exit{Status: s.ExitCode(), Text: s.String()}
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		e.Status, e.Crash = 128+int(w.Signal()), true
	}
	e.Crash = e.Crash || e.Status == statusPanic || e.Status == Again
	return e, nil
}
