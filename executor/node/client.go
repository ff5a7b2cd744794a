package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	"github.com/tidemill/tidemill/executor/identity"
)

const (
	callTime  = 20 * time.Second // of a call that computes nothing
	startTime = readyTime + 30*time.Second
	frameTime = 30 * time.Second // without a frame passing, a Put is given up
	beatEvery = 2 * time.Second
	silence   = 5 * beatEvery // a daemon that does not even beat is given up
	frameSize = 1 << 20
	maxCall   = 16 << 20 // bytes of one message: setup or configuration of a job
)

// Client calls one daemon. All methods may be called at once, by many. Without a deadline in the context, each has one of its own; a
// daemon that is silent is given up. Errors name the daemon's address.
type Client struct {
	addr string
	conn *grpc.ClientConn
}

// Dial prepares calls to the daemon at addr, host:port; the connection itself is made by the first. Close it after use.
func Dial(addr string, c *identity.Credentials) (*Client, error) { return DialNamed("", addr, c) }

// DialNamed is Dial for one executor: one whose certificate has another name is refused, so that no executor can stand in for another.
// Without certificates names are not checked.
func DialNamed(name, addr string, c *identity.Credentials) (*Client, error) {
	o := append(c.DialNamed(name, identity.Executor),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.CallContentSubtype(subtype), grpc.MaxCallRecvMsgSize(maxCall), grpc.MaxCallSendMsgSize(maxCall)),
		grpc.WithDisableServiceConfig(), grpc.WithNoProxy())
	conn, err := grpc.NewClient("passthrough:///"+addr, o...)
	if err != nil {
		return nil, fmt.Errorf("dial executor at %s: %w", addr, err)
	}
	return &Client{addr, conn}, nil
}

// Close gives up all calls.
func (c *Client) Close() error { return c.conn.Close() }

// call is a unary call.
func call[Resp any](ctx context.Context, c *Client, method string, in any, within time.Duration) (*Resp, error) {
	if _, has := ctx.Deadline(); !has {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	out, trailer := new(Resp), metadata.MD{}
	err := c.conn.Invoke(speaking(ctx), fullName(method), in, out, grpc.Trailer(&trailer))
	return out, c.named(method, understood(err, trailer))
}

func speaking(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, engineHeader, Engine)
}

func (c *Client) named(method string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("executor at %s: %s: %w", c.addr, method, err)
}

// About asks what the daemon is.
func (c *Client) About(ctx context.Context) (About, error) {
	out, err := call[About](ctx, c, "About", &nothing{}, callTime)
	return *out, err
}

// Has tells whether the daemon holds the binary.
func (c *Client) Has(ctx context.Context, sha256 string) (bool, error) {
	out, err := call[found](ctx, c, "Has", &digestOf{sha256}, callTime)
	return out.Found, err
}

// Start asks for the job's worker, and returns the one that runs already if it has the same binary: a higher epoch keeps it. One of
// another binary is ended first. It returns when the worker listens. Errors: ErrNoBinary, ErrAltered, ErrRoom, ErrReplaced, ErrDraining,
// ErrWorker (with the last lines of its output), ErrInvalid.
func (c *Client) Start(ctx context.Context, s Start) (Worker, error) {
	out, err := call[Worker](ctx, c, "Start", &s, startTime)
	return *out, err
}

// Stop ends the job's worker and empties its scratch. A job that is not there is no error. A hosted driver is not ended: see Cancel.
func (c *Client) Stop(ctx context.Context, job string) error {
	_, err := call[nothing](ctx, c, "Stop", &nameOf{job}, callTime)
	return err
}

// Ask hands a request to the driver that attends the job here, without waiting for what it does about it. ErrNoDriver: there is none.
func (c *Client) Ask(ctx context.Context, job string, r Request) error {
	_, err := call[nothing](ctx, c, "Ask", &asked{job, r}, callTime)
	return err
}

// Jobs lists the jobs with a worker or a driver here, by name, those included that have ended badly.
func (c *Client) Jobs(ctx context.Context) ([]JobStatus, error) {
	out, err := call[[]JobStatus](ctx, c, "Jobs", &nothing{}, callTime)
	return *out, err
}

// Submit makes the daemon run the job's driver. The daemon remembers it until it ends by itself or is cancelled. Errors: ErrNoBinary,
// ErrAltered, ErrDraining, ErrInvalid (also for a job that is hosted here already).
func (c *Client) Submit(ctx context.Context, s Submission) error {
	_, err := call[nothing](ctx, c, "Submit", &s, callTime)
	return err
}

// Cancel ends a hosted driver, which first finishes the batch at hand, and forgets the submission. ErrNoJob: it is not hosted here. To
// end a job properly, Ask its driver to stop.
func (c *Client) Cancel(ctx context.Context, job string) error {
	_, err := call[nothing](ctx, c, "Cancel", &nameOf{job}, callTime)
	return err
}

// reachable asks the daemon whether it can reach another one.
func (c *Client) reachable(ctx context.Context, b callBack) error {
	_, err := call[nothing](ctx, c, "Reach", &b, callTime)
	return err
}

// Put gives the daemon a binary, which it checks while it arrives: its digest, its size, and with credentials its signature. A daemon
// that holds the binary already takes only the manifest. Errors: ErrAltered, ErrEngine, ErrRoom, ErrInvalid.
func (c *Client) Put(ctx context.Context, m identity.Signed, binary io.Reader) error {
	ctx, cancel := context.WithCancel(speaking(ctx))
	defer cancel()
	watch := time.AfterFunc(frameTime, cancel)
	defer watch.Stop()
	s, err := c.conn.NewStream(ctx, &desc.Streams[0], fullName("Put"))
	if err == nil {
		err = s.SendMsg(&m)
	}
	buf := make(frame, frameSize)
	for err == nil {
		n, readErr := io.ReadFull(binary, buf)
		if readErr != nil && readErr != io.EOF && readErr != io.ErrUnexpectedEOF {
			return c.named("Put", fmt.Errorf("read the binary: %w", readErr))
		}
		if n == 0 {
			break
		}
		piece := buf[:n]
		err = s.SendMsg(&piece)
		watch.Reset(frameTime)
		buf = make(frame, frameSize) // the transport may hold the other one still
	}
	if s == nil {
		return c.named("Put", understood(err, nil))
	}
	s.CloseSend()
	// io.EOF says that the daemon has answered early.
	if err == nil || errors.Is(err, io.EOF) {
		err = s.RecvMsg(&nothing{})
	}
	return c.named("Put", understood(err, s.Trailer()))
}

// Attend tells what happens to the job's worker at the daemon, as long as ctx lives: first of all the worker that runs, if one does. told
// is called from this goroutine. It ends with nil when ctx does, with ErrReplaced when a driver of a higher epoch attends the job, and
// with an error of the transport when the daemon is gone or silent for ten seconds. One driver attends a job at a daemon: of those of
// one epoch, the last who came.
func (c *Client) Attend(ctx context.Context, job string, epoch int64, tell func(Event)) error {
	inner, cancel := context.WithCancel(speaking(ctx))
	defer cancel()
	silent := time.AfterFunc(silence, cancel)
	defer silent.Stop()
	s, err := c.conn.NewStream(inner, &desc.Streams[1], fullName("Attend"))
	if err == nil {
		err = s.SendMsg(&attendance{job, epoch, whoAmI()})
	}
	if err == nil || errors.Is(err, io.EOF) {
		if err == nil {
			s.CloseSend()
		}
		for {
			var t told
			if err = s.RecvMsg(&t); err != nil {
				break
			}
			silent.Reset(silence)
			if !t.Beat {
				tell(t.Event)
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case inner.Err() != nil:
		return c.named("Attend", fmt.Errorf("silent for %v", silence))
	case errors.Is(err, io.EOF):
		return c.named("Attend", errors.New("the executor has ended"))
	case s == nil:
		return c.named("Attend", understood(err, nil))
	}
	return c.named("Attend", understood(err, s.Trailer()))
}

// whoAmI names this process for people.
func whoAmI() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s, pid %d", host, os.Getpid())
}
