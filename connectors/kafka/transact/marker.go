package transact

import (
	"encoding/json"
	"fmt"

	"github.com/tidemill/tidemill/dstream"
)

// Marker says which write a transaction was.
type Marker struct {
	Epoch      int64 `json:"epoch"`      // of the driver that ordered the write, or that has taken over since
	Batch      int64 `json:"batch"`      // that was written
	Timestamp  int64 `json:"ts"`         // of the batch, in µs; 0 = nothing was written
	Partitions int   `json:"partitions"` // into how many parts the batch was cut
}

// FencedError says that a newer driver has written since: whoever sent this write is not in charge any more. It is permanent.
type FencedError struct {
	ID           string // transactional id, and group of the marker
	Epoch, Newer int64  // that of the write, and that which has written
}

// Error says what to do.
func (e *FencedError) Error() string {
	return fmt.Sprintf("epoch %d has written as %s, so epoch %d may not: another driver took over; "+
		"if the job was started over on purpose, name another topic or delete the consumer group %s", e.Newer, e.ID, e.Epoch, e.ID)
}

// Unwrap says that no retry mends it.
func (e *FencedError) Unwrap() error { return dstream.ErrPermanent }

// ClockError says that a write has a timestamp before that of an earlier batch. It is permanent.
type ClockError struct {
	ID          string
	Write, Last Marker
}

// Error says what to do.
func (e *ClockError) Error() string {
	return fmt.Sprintf("batch %d has the timestamp %d, but batch %d was written as %s with %d: the job was started over with a clock that is behind; "+
		"name another topic, set the clock, or delete the consumer group %s", e.Write.Batch, e.Write.Timestamp, e.Last.Batch, e.ID, e.Last.Timestamp, e.ID)
}

// Unwrap says that no retry mends it.
func (e *ClockError) Unwrap() error { return dstream.ErrPermanent }

// CutError says that a batch is half written in another number of parts, which tells nothing about the parts of this one. It is
// permanent.
type CutError struct {
	ID          string
	Write, Last Marker
}

// Error says what to do.
func (e *CutError) Error() string {
	return fmt.Sprintf("batch %d was written as %s when it had %d partitions, and now it has %d: start the job once with as many as before, so that "+
		"the batch is finished", e.Write.Batch, e.ID, e.Last.Partitions, e.Write.Partitions)
}

// Unwrap says that no retry mends it.
func (e *CutError) Unwrap() error { return dstream.ErrPermanent }

// holds reports whether the last marker of an id says that the write m was made. The order of writes is that of their
// timestamps: a batch that was planned anew after an abort has its number again, but a later timestamp, and must be written.
func (last Marker) holds(id string, m Marker) (bool, error) {
	switch {
	case m.Epoch < last.Epoch:
		return false, &FencedError{id, m.Epoch, last.Epoch}
	case m.Timestamp > last.Timestamp:
		return false, nil
	case m.Batch > last.Batch:
		return false, &ClockError{id, m, last}
	case m.Timestamp == last.Timestamp && m.Partitions != last.Partitions:
		return false, &CutError{id, m, last}
	}
	return true, nil
}

// text is the marker as the metadata of an offset.
func (m Marker) text() string {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // four numbers
	}
	return string(b)
}

// parseMarker reads the metadata of an offset.
func parseMarker(id, text string) (m Marker, err error) {
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Epoch < 0 {
		return m, dstream.Permanent(fmt.Errorf("the offsets of consumer group %s are not ours (%.60q): delete the group, or give the job or the sink another name",
			id, text))
	}
	return m, nil
}
