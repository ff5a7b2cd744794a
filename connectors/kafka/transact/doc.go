// Package transact writes records to a Kafka topic in transactions that hold a marker of their own, so that a write which was
// made before, by whichever process, is found out and not made again. It knows Kafka's protocol and nothing of rows.
//
//	w := transact.New(transact.Options{Cluster: brokers, Topic: "views", ID: "job/views/0"})
//	written, err := w.Begin(ctx, marker) // also waits for a broker that is away, as all of them do
//	if !written {
//		err = w.Add(ctx, batch) // again and again
//		err = w.Commit(ctx)     // or w.Abort(ctx)
//	}
//
// # Transactions
//
// The marker is an offset that is committed in the same transaction to a group which is named as the transactional id is, and
// says in its metadata which write it was. A read-committed reader sees the records if and only if the group has the marker. The
// order of writes is that of their timestamps; a marker at or behind that of a write means that the write was made.
//
// InitProducerId fences whoever had the id before: what that one still sends is refused. So that it cannot come back, the first
// transaction of an epoch holds nothing but the marker of the last write with the new epoch: whoever inits with an older epoch reads
// it, and gets a *FencedError. Begin does this, with records to follow or without.
//
// A transaction is opened only when all its records are there, or more than Hold bytes of them, so that it is short. Until then, and
// while they fit into Hold, records are kept: a transaction that the coordinator gave up, because it took longer than Timeout or
// because somebody fenced us, is written again from the start, as often as it takes. One that was larger fails with ErrBroken, and
// its rows have to come again.
//
// # Answers that are lost
//
// The transactional protocol up to Kafka 4.3 as sarama speaks it, EndTxn version 3, keeps one producer epoch over many transactions:
// a request that was delayed on the way can then reach into a later one. A transaction in which an answer was lost is therefore the
// last of its producer epoch, and an EndTxn whose answer was lost is never repeated: a new InitProducerId finishes or aborts what it
// had begun and fences it off, and the marker tells which of the two it was. Records whose answer was lost are sent again with the
// same sequence numbers, by which the broker knows them.
//
// # Without a transactional id
//
// Options.ID "" makes an idempotent producer without transactions and markers: records are there once they are acknowledged by all
// replicas that are in sync, in the order in which they were added, and are doubled only if a producer id is lost between an append and
// its answer.
//
// # What it does not do
//
// It creates no topics, and it does not choose partitions. Group offsets expire (offsets.retention.minutes, 7 days by default, from
// the last write on): a write that is repeated after longer than that is not recognised.
package transact
