package dstream

import "time"

// Plan is everything that decides what a batch computes, fixed before it runs and kept in the batch log: run again, anywhere, it
// gives the same result.
type Plan struct {
	Batch     int64     `json:"batch"`
	Time      time.Time `json:"time"`      // nominal: the last tick that is part of it
	From      time.Time `json:"from"`      // the tick before its first one
	Timestamp int64     `json:"timestamp"` // µs, of everything that it writes; grows by ≥ 1,000 from batch to batch
	Seed      uint64    `json:"seed"`      // of Context.Rand
	Parts     int       `json:"parts"`     // partitions behind exchanges
	Groups    int       `json:"groups"`    // key groups, fixed at the job's first start
	Binary    string    `json:"binary"`    // digest of the job's binary
	Stages    string    `json:"stages"`    // digest of the batch's stages

	Sources map[string]SourcePlan `json:"sources"`
	Tables  map[string]string     `json:"tables,omitempty"` // name → digest of the frozen table
}

// SourcePlan is what a batch takes from one source.
type SourcePlan struct {
	From    Offsets   `json:"from"`
	To      Offsets   `json:"to"`
	Parts   [][]Split `json:"parts,omitempty"` // the splits that each partition reads
	Ended   bool      `json:"ended,omitempty"`
	Idle    bool      `json:"idle,omitempty"`
	Stalled bool      `json:"stalled,omitempty"` // the source did not answer in time: an empty range

	// What follows decides nothing any more; it says how the range came about.

	Limit Limit  `json:"limit,omitzero"` // that the source was asked under
	Lag   int64  `json:"lag,omitempty"`  // as in Range
	Note  string `json:"note,omitempty"` // as in Range
	Lost  []Lost `json:"lost,omitempty"` // what comes after From and is gone, accepted by --accept-loss
}

// Progress is what the event times of all batches up to one amount to. It is part of that batch's COMMIT, and the only thing
// that the next batch's watermarks are made of.
type Progress struct {
	Time  time.Time                  `json:"time"`            // of the batch
	Seen  map[string]map[string]Seen `json:"seen,omitempty"`  // EventTime step → split name → what was seen of it
	Marks map[string]int64           `json:"marks,omitempty"` // stateful step → the watermark it ran under, µs
	Ended map[string]bool            `json:"ended,omitempty"` // sources that have ended
	Idle  map[string]bool            `json:"idle,omitempty"`  // sources that said in this batch that nothing is due
}

// Seen is how far one partition of a source has come.
type Seen struct {
	Max    int64     `json:"max"`              // greatest event time, µs; MinTime before the first row
	Last   time.Time `json:"last"`             // time of the last batch with rows of it
	Source string    `json:"source,omitempty"` // that it is a partition of; empty = not known
}

// Watermarks before any row and after the last one, in µs.
const (
	MinTime int64 = -1 << 62
	MaxTime int64 = 1 << 62
)

func timeOf(µs int64) time.Time { return time.UnixMicro(µs).UTC() }
