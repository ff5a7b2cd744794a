package dstream

import (
	"context"
	"io"
	"iter"
	"net/url"

	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Offsets is how far a source has been read, in a form of its own: whatever it needs to plan what comes next. The engine keeps
// it in the batch log and gives it back, also after a restart. Empty means from the start.
type Offsets []byte

// Limit bounds what one batch takes from a source. 0 means no bound.
type Limit struct {
	Rows  int64 `json:"rows,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
}

// Split is a replayable piece of a source: read again, it gives the same rows in the same order.
type Split struct {
	// Name is that of the piece of the source that keeps its own order and event time, and goes on: "ads/3", a feed. A piece that
	// comes once, as one file of many, would hold event time back for ever: give such pieces one name.
	Name     string `json:"name"`
	From, To int64  // in units of the source: offsets, bytes, numbers
	Body     []byte `json:"body,omitempty"` // anything else that Read needs
}

// Range is what one batch takes from a source.
type Range struct {
	To     Offsets // the From of the next Plan
	Splits []Split // in an order that is part of the answer; may be empty
	Ended  bool    // nothing will ever come after To: a bounded source is done
	Idle   bool    // the source itself knows that nothing is due; its watermark follows batch time − Delay
	Lag    int64   // rows that are there and were left for later batches, as far as the source knows; 0 = none or not known
	Note   string  // what a person should know, in a few words: "a transaction has been open since offset 17"; mostly empty
}

// Source is a replayable input of rows of type T, as a user writes it.
//
// Plan runs on the driver, never twice at the same time. It answers from what is there now and does not wait for more. Read
// runs on workers, for different splits at the same time. A yielded slice is the consumer's until it asks for the next one.
// Plan returns a *LossError for rows that are gone before any batch has read them.
// Sources may also have Places(Split) []string, the hosts that a split is cheap to read on, best first;
// Committed(context.Context, Offsets) error, called after a batch was committed; Examine, see Examined; and Close() error.
type Source[T any] interface {
	Plan(ctx context.Context, from Offsets, limit Limit) (Range, error)
	Read(ctx context.Context, s Split) iter.Seq2[[]T, error]
}

// Connector is a source as our connectors write it: it learns T from a codec and fills rows in place. The contract is that of
// Source, with the same optional methods.
type Connector interface {
	Plan(ctx context.Context, from Offsets, limit Limit) (Range, error)
	// Read puts the rows of a split into to and returns how many records it fetched, counted where they are fetched: the
	// engine compares that with rows delivered plus records rejected. An error of to is returned as it is.
	Read(ctx context.Context, s Split, to *Reader) (fetched int64, err error)
}

// Endpoint is what a connector is opened for: a source, sink or table of a job.
type Endpoint struct {
	Job     string       // the job's name
	Name    string       // under which the job knows it
	URL     *url.URL     // scheme://host/path?parameters, references to secrets already resolved
	Rows    *codec.Codec // the job's row type
	Scratch string       // a folder of this endpoint's own that outlives the process: for receivers' logs. Empty = none
	Out     io.Writer    // where a sink prints that prints; nil = standard output
	Look    bool         // opened to be looked at only, by doctor or explain: nothing outside may be made or changed
	Journal Journal      // where receivers keep their log; nil = in Scratch
}

// Reader is where a connector puts the rows that it reads. One goroutine uses it.
type Reader struct {
	*rdd.Builder
	// Reject takes a record that cannot be decoded. Nil tells the connector to go on: the record went to the dead letters.
	Reject func(BadRecord) error
}

// BadRecord is a record that could not be decoded.
type BadRecord struct {
	Position string // where it stands, as a person would look for it: "clicks.ndjson:17", "ads/3@4711"
	Bytes    []byte // as fetched
	Reason   string // "field \"price\": \"cheap\" is not a number"
}

// DeadLetter is the row that a bad record becomes in the dead-letter sink.
type DeadLetter struct {
	Source   string `col:"source,partition"`
	Position string `col:"position,key"`
	Reason   string `col:"reason"`
	Bytes    []byte `col:"bytes"`
	Batch    int64  `col:"batch,partition"`
}
