package kafka

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/IBM/sarama"
)

// aborted tells which batches of an answer belong to transactions that were aborted. The broker lists those transactions, each with its
// producer and its first offset; it ends with a marker in the log (KIP-98, "Consumer").
type aborted struct {
	committed bool
	ahead     []*sarama.AbortedTransaction // by first offset
	open      map[int64]bool               // producers whose transaction here was aborted
}

func abortedOf(b *sarama.FetchResponseBlock, isolation sarama.IsolationLevel) *aborted {
	a := &aborted{committed: isolation == sarama.ReadCommitted}
	if a.committed && len(b.AbortedTransactions) > 0 {
		a.ahead = slices.SortedFunc(slices.Values(b.AbortedTransactions), func(x, y *sarama.AbortedTransaction) int {
			return cmp.Compare(x.FirstOffset, y.FirstOffset)
		})
		a.open = map[int64]bool{}
	}
	return a
}

// skips tells whether the next batch, in the order of the log, has nothing to be read: markers, and what was aborted.
func (a *aborted) skips(b *sarama.RecordBatch) bool {
	for len(a.ahead) > 0 && a.ahead[0].FirstOffset <= b.LastOffset() {
		a.open[a.ahead[0].ProducerID] = true
		a.ahead = a.ahead[1:]
	}
	if b.Control {
		if abortMarker(b) {
			delete(a.open, b.ProducerID)
		}
		return true
	}
	return b.IsTransactional && a.open[b.ProducerID]
}

// abortMarker tells the end of an aborted transaction: the key of the record is its version and its type, 0 for abort.
func abortMarker(b *sarama.RecordBatch) bool {
	return len(b.Records) > 0 && len(b.Records[0].Key) >= 4 && binary.BigEndian.Uint16(b.Records[0].Key[2:]) == 0
}
