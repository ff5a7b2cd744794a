package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/internal/secure"
	"github.com/tidemill/tidemill/dstream"
)

// Kind says what helps against an error.
type Kind int

// The kinds of errors.
const (
	Odd      Kind = iota // none of the others: the engine retries the task
	Away                 // a broker cannot be reached or is not ready: wait
	Moved                // another broker is in charge, or what was asked for is not known yet: ask for metadata, then wait
	Hopeless             // no retry mends it
)

// KindOf sorts an error of a connection, a request or a partition.
func KindOf(err error) Kind {
	var code sarama.KError
	if errors.As(err, &code) && code != sarama.ErrUnknown && code != sarama.ErrNoError {
		return kindOfCode(code)
	}
	if advice(err) != "" {
		return Hopeless
	}
	var network net.Error
	for _, away := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, sarama.ErrNotConnected, sarama.ErrOutOfBrokers, sarama.ErrUnknown, errStopped,
		sarama.ErrBrokerNotFound, sarama.ErrIncompleteResponse, context.DeadlineExceeded,
	} {
		if errors.Is(err, away) {
			return Away
		}
	}
	if errors.As(err, &network) {
		return Away
	}
	return Odd
}

func kindOfCode(code sarama.KError) Kind {
	switch code {
	case sarama.ErrNotLeaderForPartition, sarama.ErrLeaderNotAvailable, sarama.ErrUnknownTopicOrPartition, sarama.ErrReplicaNotAvailable,
		sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch, sarama.ErrNotCoordinatorForConsumer, sarama.ErrNotController,
		sarama.ErrKafkaStorageError, sarama.ErrListenerNotFound, sarama.ErrOffsetNotAvailable, sarama.ErrPreferredLeaderNotAvailable:
		return Moved
	case sarama.ErrRequestTimedOut, sarama.ErrBrokerNotAvailable, sarama.ErrNetworkException, sarama.ErrOffsetsLoadInProgress,
		sarama.ErrConsumerCoordinatorNotAvailable, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend,
		sarama.ErrThrottlingQuotaExceeded, sarama.ErrStaleBrokerEpoch, sarama.ErrEligibleLeadersNotAvailable,
		sarama.ErrConcurrentTransactions, sarama.ErrUnstableOffsetCommit:
		return Away
	case sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState,
		sarama.ErrTopicAuthorizationFailed, sarama.ErrGroupAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrTransactionalIDAuthorizationFailed, sarama.ErrInvalidTopic, sarama.ErrUnsupportedVersion,
		sarama.ErrUnsupportedForMessageFormat, sarama.ErrMessageSizeTooLarge, sarama.ErrInvalidGroupId,
		sarama.ErrInvalidTransactionTimeout, sarama.ErrPolicyViolation, sarama.ErrUnsupportedCompressionType:
		return Hopeless
	}
	return Odd
}

// Explain says what is wrong, where (a broker, a topic) and what to do. What no retry mends wraps dstream.ErrPermanent. nil stays nil.
func Explain(where string, err error) error {
	if err == nil {
		return nil
	}
	hint := advice(err)
	if hint == "" {
		hint = guess(err)
	}
	if hint != "" {
		err = fmt.Errorf("%s: %w: %s", where, err, hint)
	} else {
		err = fmt.Errorf("%s: %w", where, err)
	}
	if KindOf(err) == Hopeless {
		return dstream.Permanent(err)
	}
	return err
}

// advice is what to do about an error that no retry mends; "" if there is none.
func advice(err error) string {
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return "user or password are wrong, or the user is not known for this sasl="
	case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return "the broker does not offer this login: choose another of sasl=plain, scram-sha-256 and scram-sha-512"
	case errors.Is(err, sarama.ErrIllegalSASLState):
		return "the broker takes no login on this port: leave user:password@ out, or use the port that does"
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed):
		return "the user may not use this topic: grant it Describe and Read to read, Describe and Write to write"
	case errors.Is(err, sarama.ErrGroupAuthorizationFailed):
		return "the user may not use this consumer group: grant it Read on the group"
	case errors.Is(err, sarama.ErrClusterAuthorizationFailed), errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed):
		return "the user lacks a right: grant it in the brokers' ACLs"
	case errors.Is(err, sarama.ErrInvalidTopic):
		return "Kafka allows letters, digits, '.', '_' and '-' in the name of a topic, at most 249 of them"
	case errors.Is(err, sarama.ErrDecompressedBatchTooLarge):
		return fmt.Sprintf("a batch of records may have %d MiB: let producers write smaller ones", MaxResponse>>20)
	}
	return secure.Refusal(err)
}

// guess is what may be wrong where an error does not tell: a broker that hangs up may as well be starting.
func guess(err error) string {
	var decoding sarama.PacketDecodingError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the broker hangs up; if that goes on: does this port want TLS (tls=true) or a login (kafka://user:password@…)?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time: is it stopped, or is this no port of Kafka?"
	case errors.As(err, &decoding):
		return "this is no answer of Kafka: does the port speak TLS (tls=true), or another protocol?"
	}
	return ""
}
