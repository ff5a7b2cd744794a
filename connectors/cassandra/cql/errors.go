package cql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/gocql/gocql"
)

// PermanentError is an error that no retry can mend. Its text says what to do.
type PermanentError struct {
	Text string
	Err  error // what it comes from; may be nil
}

// Error says what to do, and what the server or the network said.
func (e *PermanentError) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

// Unwrap returns what it comes from.
func (e *PermanentError) Unwrap() error { return e.Err }

func permanent(err error, format string, args ...any) *PermanentError {
	return &PermanentError{fmt.Sprintf(format, args...), err}
}

// Class says what to do about an error of a statement.
type Class int

// The classes.
const (
	Done        Class = iota // no error
	Away                     // the node was not reached, or the connection broke: another node, or wait. It may have been applied
	Slow                     // no answer in time, from the node or from its replicas: another node, gentler. It may have been applied
	Overloaded               // the node refused because it has too much to do, or starts up: another node, gentler
	Unavailable              // too few replicas are up for the consistency level: wait
	Failed                   // the server failed in a way that may pass: try a few times
	Lasting                  // it would fail again: the statement, the schema or a right
	Ended                    // the caller's context ended
)

// String is the class in words.
func (c Class) String() string {
	return [...]string{"done", "node away", "no answer in time", "overloaded", "too few replicas", "failed", "lasting", "ended"}[c]
}

// codes are the classes of the server's error codes (native protocol v4 §9).
var codes = map[int]Class{
	gocql.ErrCodeServer: Failed, gocql.ErrCodeProtocol: Lasting, gocql.ErrCodeCredentials: Lasting,
	gocql.ErrCodeUnavailable: Unavailable, gocql.ErrCodeOverloaded: Overloaded, gocql.ErrCodeBootstrapping: Overloaded,
	gocql.ErrCodeTruncate: Failed, gocql.ErrCodeWriteTimeout: Slow, gocql.ErrCodeReadTimeout: Slow, gocql.ErrCodeReadFailure: Failed,
	gocql.ErrCodeFunctionFailure: Lasting, gocql.ErrCodeWriteFailure: Failed, gocql.ErrCodeCDCWriteFailure: Failed,
	gocql.ErrCodeCASWriteUnknown: Slow, gocql.ErrCodeSyntax: Lasting, gocql.ErrCodeUnauthorized: Lasting, gocql.ErrCodeInvalid: Lasting,
	gocql.ErrCodeConfig: Lasting, gocql.ErrCodeAlreadyExists: Lasting, gocql.ErrCodeUnprepared: Failed,
}

// Classify sorts an error of a statement.
func Classify(err error) Class {
	var answer gocql.RequestError
	var lasting *PermanentError
	var network net.Error
	switch {
	case err == nil:
		return Done
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Ended
	case errors.As(err, &lasting):
		return Lasting
	case errors.As(err, &answer):
		c, known := codes[answer.Code()]
		if known && !(c == Lasting && answer.Code() == gocql.ErrCodeCredentials && passing(answer)) {
			return c
		}
		return Failed
	case errors.Is(err, gocql.ErrTimeoutNoResponse), errors.Is(err, gocql.ErrNoStreams), errors.Is(err, gocql.ErrTooManyTimeouts):
		return Slow
	case lostConnection(err), errors.As(err, &network):
		return Away
	}
	return Failed
}

// passing tells a login that failed since the server could not read its own tables.
func passing(e gocql.RequestError) bool { return strings.Contains(e.Message(), "Unable to perform") }

func lostConnection(err error) bool {
	for _, lost := range []error{
		gocql.ErrNoConnections, gocql.ErrConnectionClosed, gocql.ErrSessionClosed, gocql.ErrNoConnectionsStarted,
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return false
}

// explain says what an attempt to connect failed of, and what to do.
func explain(address string, o Options, err error) error {
	var answer gocql.RequestError
	var wrong *tls.CertificateVerificationError
	var name x509.HostnameError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &answer) && answer.Code() == gocql.ErrCodeCredentials && !passing(answer):
		return permanent(err, "cassandra %s refuses user %q: check user and password in the URL", address, o.User)
	case strings.Contains(err.Error(), "authentication required"):
		return permanent(err, "cassandra %s wants a login: put user:password@ in front of the host", address)
	case errors.As(err, &name):
		return permanent(err, "cassandra %s has a certificate for another host: name it with server_name=, or connect by that name", address)
	case errors.As(err, &wrong):
		return permanent(err, "cassandra %s has a certificate that ca= does not vouch for: give the authority that signed it", address)
	case errors.As(err, &noTLS):
		return permanent(err, "cassandra %s does not speak TLS on this port: drop tls=true, or use its TLS port", address)
	case strings.Contains(err.Error(), "remote error: tls"):
		return permanent(err, "cassandra %s refuses our side of TLS: give a certificate that it knows with cert= and key=", address)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("cassandra %s: nobody listens there: is the node up, and is this its native_transport_port? %w", address, err)
	case o.TLS == nil && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return fmt.Errorf("cassandra %s hangs up at once: if it wants TLS, add tls=true: %w", address, err)
	case errors.Is(err, context.DeadlineExceeded), strings.Contains(err.Error(), "within timeout"):
		return fmt.Errorf("cassandra %s takes the connection but does not answer: is it still starting, or stopped? %w", address, err)
	}
	return fmt.Errorf("cassandra %s: %w", address, err)
}
