// Package tail follows the batch log of a checkpoint while drivers write to it, and tells when each batch was planned and committed, on
// the clock of who watches: with it a fault hits a batch between PLAN and COMMIT, and recovery is measured.
//
//	t := tail.Open(checkpoint)
//	t.Poll(time.Now())
//	if n, open := t.Planned(); open { … kill … }
//
// It reads the files as they are documented (driver/batchlog) with code of its own: the segment of the highest epoch and number, from
// where it stopped, record by record, as far as checksums hold. What a driver that was replaced appends behind the seal is not read, as
// soon as the new segment is there.
//
// It does not verify the chain of digests, and decides nothing about what a log means.
package tail
