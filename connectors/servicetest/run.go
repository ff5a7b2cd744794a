package servicetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// run runs a program to its end and returns its output. When stop is closed the program is asked to end, and how it does is no
// error; when ctx is done it is killed.
func run(ctx context.Context, stop <-chan struct{}, program string, args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	c, err := spawn(cmd)
	if err != nil {
		return nil, err
	}
	asked := false
	for {
		select {
		case <-c.done:
			if c.err != nil && !asked {
				return nil, fmt.Errorf("%w\n%s", c.err, tail(append(out.Bytes(), said.Bytes()...)))
			}
			return out.Bytes(), nil
		case <-stop:
			_ = c.signal(syscall.SIGTERM)
			asked, stop = true, nil
		case <-ctx.Done():
			_ = c.signal(syscall.SIGKILL)
			<-c.done
			return nil, fmt.Errorf("%w; it said:\n%s", context.Cause(ctx), tail(said.Bytes()))
		}
	}
}

// say writes one line.
func say(w io.Writer, format string, args ...any) {
	_, _ = w.Write(append(fmt.Appendf(nil, format, args...), '\n')) // whoever listens may have gone
}

// poll calls try every 50 ms until it succeeds or ctx is done.
func poll(ctx context.Context, try func() error) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
