package asof

import (
	"fmt"
	"strings"
	"time"
)

// TornError says that tables could not be read as of one batch: what they were is gone.
type TornError struct {
	Table    string
	Key      string // of a row that was written again, or is new: "campaign_id = 'c1' AND window = '…'"; empty = a batch was committed while the tables were read
	Batch    int64  // as of which was read at last
	TS       int64  // of that batch, in µs since 1970
	Written  int64  // when the row was written, in µs since 1970
	Attempts int
	Stopped  bool // no batch was committed for a while, so that there was no use in trying again
}

// Error says what to do.
func (e *TornError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "asof: the tables cannot be read as of batch %d (%s), after %d attempts: ", e.Batch, moment(e.TS), e.Attempts)
	if e.Key == "" {
		b.WriteString("each time a batch was committed before all was read: read less at once, with a WHERE, or lengthen the batch interval")
		return b.String()
	}
	fmt.Fprintf(&b, "the row of %s WHERE %s was written by a later batch (%s), and what it was before, if it was there, is gone", e.Table, e.Key, moment(e.Written))
	if e.Stopped {
		b.WriteString("; no other batch was committed meanwhile: if the job is stopped, start it, so that it finishes the batch")
	} else {
		b.WriteString("; read less at once, with a WHERE, or lengthen the batch interval")
	}
	b.WriteString(", or write each row once, with the batch's or the window's time in its key, and say WrittenOnce")
	return b.String()
}

func moment(micros int64) string {
	return time.UnixMicro(micros).UTC().Format("2006-01-02T15:04:05.000000Z")
}

// NoBatchError says that a sink has not committed any batch.
type NoBatchError struct {
	Job, Sink, Table string
	Have             []string // the sinks, as "job/sink (table)", that the keyspace has marks of
}

// Error says which there are.
func (e *NoBatchError) Error() string {
	text := fmt.Sprintf("asof: the sink %s of the job %s has not committed a batch to %s: check the three names, or wait until it has", e.Sink, e.Job, e.Table)
	if len(e.Have) > 0 {
		text += "; there are " + strings.Join(e.Have, ", ")
	}
	return text
}
