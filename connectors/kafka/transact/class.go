package transact

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

// class says what an error means for what was asked.
type class int

const (
	again   class = iota // it was not done, and may be asked again
	lost                 // it may have been done or not
	broken               // the producer is of no use any more: start again from InitProducerId
	refused              // it will never be done
)

// ErrBroken says that a transaction was given up whose records were not kept: the same write may be tried again.
var ErrBroken = errors.New("the transaction was given up, and nothing of it can be seen: it took longer than its timeout, " +
	"another writer came, or the answer of its coordinator was lost; try again")

// transactionAbortable is TRANSACTION_ABORTABLE of KIP-890, which sarama has no name for.
const transactionAbortable sarama.KError = 120

func classOf(err error) class {
	switch code, ok := codeOf(err); {
	case errors.Is(err, ErrBroken):
		return broken
	case errors.Is(err, dstream.ErrPermanent), errors.Is(err, broker.ErrClosed):
		return refused
	case ok:
		return classOfCode(code)
	case isUnasked(err):
		return again
	}
	return lost
}

// codeOf is the answer of a broker that an error is about.
func codeOf(err error) (sarama.KError, bool) {
	var code sarama.KError
	ok := errors.As(err, &code) && code != sarama.ErrUnknown
	return code, ok
}

// busy reports whether whoever was asked is the right one, and only needs time.
func busy(err error) bool {
	code, _ := codeOf(err)
	return code == sarama.ErrConcurrentTransactions || code == sarama.ErrUnstableOffsetCommit || code == sarama.ErrOffsetsLoadInProgress
}

func classOfCode(code sarama.KError) class {
	switch code {
	case sarama.ErrRequestTimedOut, sarama.ErrNetworkException, sarama.ErrNotEnoughReplicasAfterAppend:
		return lost
	case sarama.ErrOperationNotAttempted:
		return again
	case sarama.ErrProducerFenced, sarama.ErrInvalidProducerEpoch, sarama.ErrInvalidProducerIDMapping, sarama.ErrInvalidTxnState,
		sarama.ErrUnknownProducerID, sarama.ErrOutOfOrderSequenceNumber, sarama.ErrTransactionCoordinatorFenced, transactionAbortable:
		return broken // the first two also of a transaction that took too long
	}
	switch broker.KindOf(code) {
	case broker.Away, broker.Moved:
		return again
	}
	return refused
}

// explained adds what to do to an error that is final.
func explained(o Options, err error) error {
	if errors.Is(err, dstream.ErrPermanent) {
		return err
	}
	code, ok := codeOf(err)
	advice := remedies[code]
	switch {
	case !ok:
		return err
	case code == sarama.ErrTransactionalIDAuthorizationFailed || code == sarama.ErrGroupAuthorizationFailed:
		advice += fmt.Sprintf(" %q", o.ID)
	}
	if advice != "" {
		err = fmt.Errorf("%w: %s", err, advice)
	} else {
		err = broker.Explain("kafka", err)
	}
	return dstream.Permanent(err)
}

var remedies = map[sarama.KError]string{
	sarama.ErrTopicAuthorizationFailed:           "grant the user Write, Describe and, for the marker, Read on the topic",
	sarama.ErrTransactionalIDAuthorizationFailed: "grant the user Write and Describe on the transactional id",
	sarama.ErrGroupAuthorizationFailed:           "grant the user Read on the consumer group that keeps the sink's markers,",
	sarama.ErrClusterAuthorizationFailed:         "grant the user IdempotentWrite on the cluster",
	sarama.ErrInvalidTransactionTimeout:          "the brokers' transaction.max.timeout.ms is shorter: shorten transaction_timeout",
	sarama.ErrInvalidRecord:                      "the topic refuses a record: a compacted one takes none without a key",
	sarama.ErrInvalidTimestamp:                   "the topic refuses a record's timestamp: see its message.timestamp.before.max.ms and message.timestamp.after.max.ms",
	sarama.ErrPolicyViolation:                    "a policy of the brokers refuses the records",
	sarama.ErrUnsupportedVersion:                 "the brokers are too old: Kafka 2.8 or later is needed",
	sarama.ErrUnsupportedCompressionType:         "the brokers do not know this compression: choose another",
}
