package format

import "github.com/tidemill/tidemill/dstream"

// pass is one call of Decode.
type pass struct {
	buf      []byte
	last     bool
	position func(int) string
	to       *dstream.Reader

	at      int   // bytes taken
	records int64 // delivered and rejected
}

// reject takes the record at buf[lo:hi] out of the way. of is the most bytes of it that are kept.
func (p *pass) reject(lo, hi int, reason string) error {
	p.records++
	return p.to.Reject(dstream.BadRecord{Position: p.position(lo), Bytes: p.buf[lo:hi:hi], Reason: reason})
}

// deliver makes the row that was filled part of the output.
func (p *pass) deliver() error {
	p.records++
	return p.to.Add()
}

// rejectOne rejects a record that came alone.
func rejectOne(rec []byte, position, reason string, to *dstream.Reader) error {
	return to.Reject(dstream.BadRecord{Position: position, Bytes: rec, Reason: reason})
}
