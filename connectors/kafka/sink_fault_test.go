package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/kafka/transact"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// requests are those that a write makes.
var requests = []kmsg.Key{
	kmsg.Metadata, kmsg.FindCoordinator, kmsg.InitProducerID, kmsg.OffsetFetch, kmsg.AddPartitionsToTxn, kmsg.Produce,
	kmsg.AddOffsetsToTxn, kmsg.TxnOffsetCommit, kmsg.EndTxn,
}

// attempts writes as the engine does: again, if the error lets hope.
func attempts(t testing.TB, s *Sink, id dstream.WriteID, rows ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ; ; id.Attempt++ {
		_, err := s.Write(ctx, id, rowsOf(rows...))
		if err == nil {
			return
		}
		if id.Attempt == 3 || !errors.Is(err, transact.ErrBroken) {
			t.Fatalf("batch %d, attempt %d: %v", id.Batch, id.Attempt, err)
		}
	}
}

// TestMishaps loses requests and answers of every kind, in the first transactions of a writer and in later ones.
func TestMishaps(t *testing.T) {
	for _, key := range requests {
		for _, m := range []mishap{cut, loses, holds} {
			for _, stream := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s %s streamed %v", key.Name(), m, stream), func(t *testing.T) {
					t.Parallel()
					for nth := range 3 {
						mishapAt(t, key, nth, m, stream)
					}
				})
			}
		}
	}
}

func mishapAt(t *testing.T, key kmsg.Key, nth int, m mishap, stream bool) {
	n, c := onNetwork(t)
	s := sinkFor[string](t, c.ListenAddrs(), "out")
	if stream {
		s.stream()
	}
	n.plan(key, nth, m)
	for i := range 3 {
		attempts(t, s, batchOf(1, int64(i+1)), words(20*i, 20*i+20)...)
		attempts(t, s, batchOf(1, int64(i+1)), words(20*i, 20*i+20)...)
	}
	close(n.release)
	attempts(t, s, batchOf(1, 4), words(60, 80)...)
	met := n.calm()
	if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 80)) {
		t.Errorf("request %d: got %d rows, want 80, each once: %q", nth, len(got), got)
	}
	if !met && nth == 0 {
		t.Errorf("no request was a %s", key.Name())
	}
}

// TestLateEnd: the end of a transaction that arrives when the next one is open must not end that.
func TestLateEnd(t *testing.T) {
	n, c := onNetwork(t)
	s := sinkFor[string](t, c.ListenAddrs(), "out")
	s.stream()
	attempts(t, s, batchOf(1, 1), words(0, 10)...)
	n.plan(kmsg.EndTxn, 0, holds)
	attempts(t, s, batchOf(1, 2), words(10, 20)...)
	ctx := context.Background()
	_, err := s.Write(ctx, batchOf(1, 3), func(yield func(dstream.Output, error) bool) {
		for out, err := range rowsOf(words(20, 30)...) {
			if !yield(out, err) {
				return
			}
		}
		close(n.release)
		if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 20)) {
			t.Errorf("within the transaction: got %q", got)
		}
		for out, err := range rowsOf(words(30, 40)...) {
			if !yield(out, err) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 40)) {
		t.Errorf("got %q", got)
	}
}

// TestRefusals answers requests of every kind with errors that pass.
func TestRefusals(t *testing.T) {
	coordinator := []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.RequestTimedOut}
	ended := []*kerr.Error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidTxnState, kerr.InvalidProducerIDMapping}
	errs := map[kmsg.Key][]*kerr.Error{
		kmsg.Metadata:           {kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable},
		kmsg.FindCoordinator:    {kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress},
		kmsg.InitProducerID:     append(coordinator, kerr.ConcurrentTransactions),
		kmsg.OffsetFetch:        {kerr.NotCoordinator, kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.UnstableOffsetCommit},
		kmsg.AddPartitionsToTxn: slices.Concat(coordinator, ended, []*kerr.Error{kerr.ConcurrentTransactions}),
		kmsg.Produce: {kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut,
			kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.InvalidTxnState,
			kerr.TransactionAbortable},
		kmsg.AddOffsetsToTxn: slices.Concat(coordinator, ended, []*kerr.Error{kerr.ConcurrentTransactions}),
		kmsg.TxnOffsetCommit: slices.Concat(coordinator, ended[:2]),
		kmsg.EndTxn:          slices.Concat(coordinator, ended, []*kerr.Error{kerr.ConcurrentTransactions, kerr.UnknownServerError}),
	}
	for _, key := range requests {
		for _, e := range errs[key] {
			t.Run(key.Name()+" "+e.Message, func(t *testing.T) {
				t.Parallel()
				for _, stream := range []bool{true, false} {
					c := fakeKafka(t)
					s := sinkFor[string](t, c.ListenAddrs(), "out")
					if stream {
						s.stream()
					}
					first := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 1}, kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 1, TopLevel: true})
					attempts(t, s, batchOf(1, 1), words(0, 20)...)
					again := c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: e, Count: 2})
					attempts(t, s, batchOf(1, 2), words(20, 40)...)
					again.Remove()
					attempts(t, s, batchOf(1, 3), words(40, 60)...)
					if got := values(mustRead(t, c)); !slices.Equal(got, words(0, 60)) {
						t.Errorf("got %d rows, want 60, each once: %q", len(got), got)
					}
					if first.Hits() == 0 {
						t.Error("the error was never given")
					}
				}
			})
		}
	}
}
