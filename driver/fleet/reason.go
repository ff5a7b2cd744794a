package fleet

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

// Kind is a class of reasons why an executor cannot be used.
type Kind string

// The kinds. Those of the first group pass by themselves, or so it may be; they are told only when they last.
const (
	Unreachable Kind = "unreachable" // nobody answers at its address, or too late
	NoWorker    Kind = "no worker"   // its worker does not start, or crashes
	Failed      Kind = "failed"      // it answers with an error that is none of the others

	Untrusted     Kind = "untrusted"      // one of the two does not accept the other's certificate
	OtherEngine   Kind = "other engine"   // its version of the engine is another
	OtherPlatform Kind = "other platform" // it cannot run this binary: its operating system or processor is another
	NoRoom        Kind = "no room"        // too little memory or disk
	Leaving       Kind = "leaving"        // it drains
	NameTwice     Kind = "name twice"     // another executor has its name
	OtherName     Kind = "other name"     // at its address answers another executor
	Altered       Kind = "altered"        // the binary that it received is not the one that was sent, or not signed by one it trusts
	OtherGraph    Kind = "other graph"    // its worker has built another graph: it will be so everywhere
	Replaced      Kind = "replaced"       // it has seen a driver of a higher epoch: this one is over
)

// Reason is why an executor cannot be used. It wraps the error that it was found by, if there was one.
type Reason struct {
	Kind Kind
	text string
	err  error
}

// Error says what is wrong, and what to do about it if something can be done.
func (r *Reason) Error() string { return r.text }

// Unwrap is the error that the reason was made of.
func (r *Reason) Unwrap() error { return r.err }

// passes tells whether waiting may be all that is needed.
func (r *Reason) passes() bool {
	return r.Kind == Unreachable || r.Kind == NoWorker || r.Kind == Failed || r.Kind == Leaving
}

func because(kind Kind, format string, args ...any) *Reason {
	err := fmt.Errorf(format, args...)
	return &Reason{Kind: kind, text: err.Error(), err: errors.Unwrap(err)}
}

// ReasonOf finds out what an error of a call to an executor means. One that is a Reason already stays as it is.
func ReasonOf(err error) *Reason {
	if r, ok := errors.AsType[*Reason](err); ok {
		return r
	}
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return &Reason{k.kind, plain(err), err}
		}
	}
	if _, ok := errors.AsType[*wire.DigestError](err); ok {
		return &Reason{OtherGraph, plain(err), err}
	}
	if _, ok := errors.AsType[*wire.EpochError](err); ok {
		return &Reason{Replaced, plain(err), err}
	}
	if r := distrust(err); r != nil {
		return r
	}
	if code := status.Code(err); code == codes.Unavailable || code == codes.DeadlineExceeded || errors.Is(err, context.DeadlineExceeded) {
		return &Reason{Unreachable, plain(err), err}
	}
	return &Reason{Failed, plain(err), err}
}

var kinds = []struct {
	err  error
	kind Kind
}{
	{node.ErrReplaced, Replaced}, {node.ErrEngine, OtherEngine}, {node.ErrRoom, NoRoom}, {node.ErrDraining, Leaving},
	{node.ErrAltered, Altered}, {node.ErrWorker, NoWorker}, {node.ErrDenied, Untrusted},
}

// caller is what a node.Client puts before an error, and a message about an executor has said already.
var caller = regexp.MustCompile(`executor at \S+: [A-Z][a-z]+: `)

// plain is the error without what grpc and node.Client put before a message.
func plain(err error) string {
	text := caller.ReplaceAllString(err.Error(), "")
	if s, ok := status.FromError(err); ok && s.Code() != codes.OK {
		text = strings.Replace(text, "rpc error: code = "+s.Code().String()+" desc = ", "", 1)
	}
	return node.Plain(text)
}

// Only texts are left of what went wrong in a handshake when grpc gives its errors: identity explains those that it sees. It sees none if
// this driver has no certificates and the executor has.
const (
	handshake = "authentication handshake failed: "
	preface   = "error reading server preface"
)

// distrust says whether one of the two does not trust the other.
func distrust(err error) *Reason {
	if code := status.Code(err); code == codes.PermissionDenied || code == codes.Unauthenticated {
		return &Reason{Untrusted, plain(err), err}
	}
	text := plain(err)
	if _, why, ok := strings.Cut(text, handshake); ok {
		return &Reason{Untrusted, why, err}
	}
	if strings.Contains(text, preface) {
		return &Reason{Untrusted, "what listens there does not speak as an executor without certificates does: is it the address of an executor's calls, and not of its gossip? If the executor has certificates, give this end some too (--ca, --cert, --key, --secret)", err}
	}
	return nil
}
