package report

import (
	"time"

	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/dstream"
)

// Batch is the report of one batch.
type Batch struct {
	Job      string        `json:"job"`
	Epoch    int64         `json:"epoch"`
	Batch    int64         `json:"batch"`
	Time     time.Time     `json:"time"`     // nominal
	Interval time.Duration `json:"interval"` // ns
	Ticks    int64         `json:"ticks"`    // ticks of the clock that it stands for: more than one if the engine was behind
	Outcome  Outcome       `json:"outcome"`
	Redone   bool          `json:"redone,omitempty"` // its plan was found in the log after a crash
	Error    string        `json:"error,omitempty"`  // why it failed

	Timeline Timeline `json:"timeline"`
	Sources  []Source `json:"sources"`
	Stages   []Stage  `json:"stages"`
	Steps    []Step   `json:"steps"`
	Sinks    []Sink   `json:"sinks"`
	Ledger   []Edge   `json:"ledger"`
	Rate     *Rate    `json:"rate,omitempty"` // nil: the rate controller is off, or had nothing to learn from the batch
}

// Outcome is how a batch ended.
type Outcome string

// The outcomes. A failed batch stops the job.
const (
	Running   Outcome = "running"
	Committed Outcome = "committed"
	Failed    Outcome = "failed"
)

// Timeline is when a batch reached each point of its life, counted from the moment it was due. 0 = not reached.
type Timeline struct {
	Planned   time.Duration `json:"planned"`   // sources have answered
	Logged    time.Duration `json:"logged"`    // PLAN is durable
	Ran       time.Duration `json:"ran"`       // every task is done
	Published time.Duration `json:"published"` // every sink has its rows
	Committed time.Duration `json:"committed"` // COMMIT is durable; in the log's own copy: about to be
}

// Source is what a batch took from a source.
type Source struct {
	Name      string `json:"name"`
	Splits    int    `json:"splits"`
	Fetched   int64  `json:"fetched"`
	Delivered int64  `json:"delivered"`
	Rejected  int64  `json:"rejected"` // to the dead letters
	Ended     bool   `json:"ended,omitempty"`
	Idle      bool   `json:"idle,omitempty"`
	Stalled   bool   `json:"stalled,omitempty"` // it did not answer in time
	Limit     int64  `json:"limit,omitempty"`   // rows that it could give; 0 = no limit
	Lag       int64  `json:"lag,omitempty"`     // rows that it has left for later batches, as far as it knows
	Note      string `json:"note,omitempty"`    // its own, for a person

	Lost []dstream.Lost `json:"lost,omitempty"` // gone before any batch has read it, and accepted by --accept-loss
}

// Rate is what the rate controller was told of the batch, and what it made of it.
type Rate struct {
	rate.Batch
	Limit     int64   `json:"limit"`      // rows that this batch could have, unless limits.* are less
	PerSecond float64 `json:"per_second"` // rows per second of processing
	Next      int64   `json:"next"`       // rows that the next batch can have, likewise
}

// Stage is what the tasks of a stage did, in all their attempts.
type Stage struct {
	Program  int           `json:"program"` // 0 = the batch's own; k = the k-th action of its ForEach bodies
	Stage    int           `json:"stage"`
	Name     string        `json:"name"` // its steps, fused: "Source ads → Filter → Lookup"
	At       string        `json:"at"`   // the user's file and line of the last of them
	Tasks    int           `json:"tasks"`
	Attempts int           `json:"attempts"` // > Tasks if some were tried again
	RowsIn   int64         `json:"rows_in"`
	RowsOut  int64         `json:"rows_out"`
	Bytes    int64         `json:"bytes"`   // of output, estimated
	Spilled  int64         `json:"spilled"` // bytes of output that went to disk
	Busy     time.Duration `json:"busy"`    // sum over tasks
	Longest  time.Duration `json:"longest"` // task
}

// Step is what a step with keyed state or a watermark did.
type Step struct {
	Name      string     `json:"name"`
	Watermark *time.Time `json:"watermark,omitempty"` // it ran under; nil = none yet
	Ended     bool       `json:"ended,omitempty"`     // all its sources have ended: the watermark is beyond all time
	Rows      int64      `json:"rows"`
	Accepted  int64      `json:"accepted"`
	Late      int64      `json:"late"`
	Touched   int        `json:"touched"` // keys changed
	Keys      int        `json:"keys"`    // held
	Bytes     int64      `json:"bytes"`   // of state, estimated
}

// Sink is what a sink took.
type Sink struct {
	Name      string        `json:"name"`
	Guarantee string        `json:"guarantee"` // "exactly once" or "at least once"
	Offered   int64         `json:"offered"`
	Taken     int64         `json:"taken"` // by its receipts
	Busy      time.Duration `json:"busy"`
}

// Edge is a line of the ledger: rows counted by different code on each side. An edge that differs fails the batch.
type Edge struct {
	Kind  string `json:"kind"` // "split", "exchange", "step", "sink"
	Name  string `json:"name"`
	Left  int64  `json:"left"`  // fetched, sent, came in, offered
	Right int64  `json:"right"` // delivered + rejected, received, accepted + late, taken
}

// Holds tells whether both sides agree.
func (e Edge) Holds() bool { return e.Left == e.Right }

// Rows is the number of rows that the batch read.
func (b *Batch) Rows() int64 {
	n := int64(0)
	for _, s := range b.Sources {
		n += s.Delivered
	}
	return n
}

// Lag is the number of rows that the sources have left for later batches, as far as they know.
func (b *Batch) Lag() int64 {
	n := int64(0)
	for _, s := range b.Sources {
		n += s.Lag
	}
	return n
}

// Lost is the number of ranges that the sources have lost.
func (b *Batch) Lost() int {
	n := 0
	for _, s := range b.Sources {
		n += len(s.Lost)
	}
	return n
}

// Late is the number of rows that came too late.
func (b *Batch) Late() int64 {
	n := int64(0)
	for _, s := range b.Steps {
		n += s.Late
	}
	return n
}

// Written is the number of rows that the sinks took.
func (b *Batch) Written() int64 {
	n := int64(0)
	for _, s := range b.Sinks {
		n += s.Taken
	}
	return n
}

// Spilled is the number of bytes that went to disk.
func (b *Batch) Spilled() int64 {
	n := int64(0)
	for _, s := range b.Stages {
		n += s.Spilled
	}
	return n
}
