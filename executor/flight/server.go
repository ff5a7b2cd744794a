package flight

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/flight"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/rdd"
)

// Blocks are what a server serves.
type Blocks interface {
	// Block yields the chunks of one part of a ticket in their order, kept for as long as the sequence runs. An error says that the block
	// is gone: see Missing. It is called by several goroutines.
	Block(t Ticket, p Part) (iter.Seq2[rdd.Chunk, error], error)
}

// MissingError says that a part of a ticket cannot be had, and why.
type MissingError struct {
	Part Part
	Why  string
}

// Error names the part.
func (e *MissingError) Error() string {
	return fmt.Sprintf("partition %d, attempt %d: %s", e.Part.Partition, e.Part.Attempt, e.Why)
}

// Missing is the error of a block that is not kept.
func Missing(p Part) error { return &MissingError{p, "it is not kept here"} }

// Server serves the blocks of a worker.
type Server struct {
	flight.BaseFlightServer
	blocks Blocks
	o      Options
	slots  chan struct{} // a token for each call
}

// NewServer makes a server. It starts nothing.
func NewServer(b Blocks, o Options) *Server {
	o = o.withDefaults()
	return &Server{blocks: b, o: o, slots: make(chan struct{}, o.Streams)}
}

// Register makes the blocks reachable.
func (s *Server) Register(to *grpc.Server) { flight.RegisterFlightServiceServer(to, s) }

const method = "/arrow.flight.protocol.FlightService/DoGet"

// Roles says who may call the methods of this package; the other methods of Flight are for nobody.
func Roles() map[string][]identity.Role {
	return map[string][]identity.Role{method: {identity.Executor}}
}

// Roles is Roles.
func (s *Server) Roles() map[string][]identity.Role { return Roles() }

// DoGet sends the blocks of a ticket.
func (s *Server) DoGet(in *flight.Ticket, call flight.FlightService_DoGetServer) error {
	t, err := decodeTicket(in.GetTicket())
	if err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if s.o.Current != nil {
		if now := s.o.Current(); now != t.Incarnation {
			return status.Errorf(codes.NotFound, "blocks of incarnation %x are asked for, and this is incarnation %x of the worker", t.Incarnation, now)
		}
	}
	if err := s.enter(call.Context()); err != nil {
		return err
	}
	defer func() { <-s.slots }()
	w := &writer{send: sendTo(call)}
	for _, p := range t.Parts {
		if err := s.part(w, t, p); err != nil {
			return err
		}
	}
	return w.flush()
}

// enter waits for a place among the calls that are served.
func (s *Server) enter(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	default:
	}
	late := time.NewTimer(s.o.Stall)
	defer late.Stop()
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	case <-late.C:
		return status.Errorf(codes.ResourceExhausted, "%d streams of blocks are open, and none of them has ended for %v", s.o.Streams, s.o.Stall)
	}
}

// part sends one part. Its error is one of the call; what is wrong with the block is sent.
func (s *Server) part(w *writer, t Ticket, p Part) error {
	chunks, err := s.blocks.Block(t, p)
	if err != nil {
		return w.missing(err)
	}
	n := 0
	for c, err := range chunks {
		if err == nil {
			err = w.chunk(c)
		}
		var broken *sendError
		if errors.As(err, &broken) {
			return broken.err
		}
		if err != nil {
			return w.missing(err)
		}
		n++
	}
	return w.done(n)
}

// sendTo says how a body is sent: to our own clients without a copy, to others as Flight's own encoding does it.
func sendTo(call grpc.ServerStream) func(mem.Buffer) error {
	md, _ := metadata.FromIncomingContext(call.Context())
	if kind := md.Get("content-type"); len(kind) == 1 && strings.HasSuffix(kind[0], "+"+subtype) {
		return func(b mem.Buffer) error { return call.SendMsg(&outgoing{b}) }
	}
	return func(b mem.Buffer) error {
		defer b.Free()
		return call.SendMsg(&flight.FlightData{DataBody: b.ReadOnlyData()})
	}
}
