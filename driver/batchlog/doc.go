// Package batchlog is the driver's durable memory of batches: an append-only,
// checksummed, chained log of what was decided (PLAN), given up (ABORT) and
// done (COMMIT). Payloads are opaque bytes.
//
//	log, rec, err := batchlog.Open(st, lock, batchlog.Options{})
//	// redo rec.Open in order on top of rec.Commit, then
//	err = log.Append(batchlog.Plan, n, plan)     // from here batch n has exactly this input
//	…
//	err = log.Append(batchlog.Commit, n, result) // this is when batch n happened
//	err = log.Compact(n - 1000)
//
// # Contract
//
// Append returns nil only when the record is durable and no newer epoch had
// been claimed by then. Records follow the rules of a batch's life, which the
// log itself enforces: batches are planned in order, at most two are open, the
// older one commits first, the newer one aborts first, ABORT(n) is followed by
// a fresh PLAN(n). After any error of the store the log is dead: restart and
// recover.
//
// # Files
//
//	log/<epoch>.<k>.log        segment k of an epoch
//	log/<epoch>.manifest       names of the first and last live segment
//	log/<segment>.torn-<epoch> bytes of a torn tail, set aside by the epoch that found it
//
// A record is a fixed header (magic, length, CRC32C, type, flags, epoch, n,
// durable length before it, digest of the record before it) and a payload. The
// CRC covers the record's own offset, so a copy of a record elsewhere is none.
// A segment appears atomically with its head: a SEGMENT record that seals its
// predecessor (name, length, digest), then copies of the last COMMIT and of
// open PLANs. So any one segment is enough to recover, and older ones, kept for
// history, can go.
//
// # Torn or damaged
//
// A bad record is a torn tail, set aside and ignored, if no good record after it
// was written when it was already durable; each record carries the length that
// was. Else, and in every sealed segment, it is damage, and Open refuses.
//
// # What it does not do
//
// It does not know what a plan means, never retries, and keeps no index: history
// is a scan.
package batchlog
