package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/executor/identity"
)

// has answers Has.
func (d *daemon) has(_ context.Context, in *digestOf) (*found, error) {
	if err := checkDigest(in.SHA256); err != nil {
		return nil, err
	}
	return &found{d.binaries.has(in.SHA256)}, nil
}

// put answers Put: a manifest, then pieces of the binary, which may not stop coming.
func (d *daemon) put(s grpc.ServerStream) error {
	var m identity.Signed
	if err := s.RecvMsg(&m); err != nil {
		return &refusal{ErrInvalid, err.Error()}
	}
	free, err := freeDisk(d.o.Dir)
	if err != nil {
		return err
	}
	if need := m.Manifest.Size + minRoom; m.Manifest.Size <= d.o.MaxBinary && free < need {
		return &refusal{ErrRoom, fmt.Sprintf("executor %s has %s of free disk in %s, a binary of %s needs %s", d.o.Name, size(free), d.o.Dir, size(m.Manifest.Size), size(need))}
	}
	in := &pieces{frames: make(chan frame), gone: make(chan struct{})}
	d.running.Go(func() { in.receive(s) }) // it ends when this method has returned, if not before
	defer close(in.gone)
	if err := d.binaries.put(m, in); err != nil {
		return err
	}
	return s.SendMsg(&nothing{})
}

// pieces is a binary on its way.
type pieces struct {
	frames chan frame
	gone   chan struct{} // closed when nobody reads any more
	rest   frame
	err    error // after frames is closed
}

func (p *pieces) receive(s grpc.ServerStream) {
	defer close(p.frames)
	for {
		var f frame
		if p.err = s.RecvMsg(&f); p.err != nil {
			return
		}
		select {
		case p.frames <- f:
		case <-p.gone:
			return
		}
	}
}

// Read reads on; a sender that pauses for long is given up.
func (p *pieces) Read(to []byte) (int, error) {
	for len(p.rest) == 0 {
		timer := time.NewTimer(frameTime)
		select {
		case f, ok := <-p.frames:
			timer.Stop()
			if !ok {
				return 0, p.ended()
			}
			p.rest = f
		case <-timer.C:
			return 0, fmt.Errorf("nothing has come for %v", frameTime)
		}
	}
	n := copy(to, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func (p *pieces) ended() error {
	if errors.Is(p.err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("the sender went away: %w", p.err)
}
