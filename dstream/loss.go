package dstream

import (
	"fmt"
	"strings"
)

// LossError is what Plan returns when rows that no batch has read are gone for good: deleted by retention, or with their topic. The
// job stops with it, since it must not go on as if nothing had happened. Started with --accept-loss it goes on at Resume, and the
// plan of the next batch says what was lost.
type LossError struct {
	Lost   []Lost
	Resume Offsets // the From of the Plan that goes on without what is lost
}

// Lost is a range of a source that is gone.
type Lost struct {
	Split    string `json:"split"` // its name: "ads/3"
	From, To int64  // in units of the source; To = From if nobody knows how much it was
	Reason   string `json:"reason"`
}

// String is the range and the reason: "ads/3 [17, 40): deleted by retention".
func (l Lost) String() string { return fmt.Sprintf("%s [%d, %d): %s", l.Split, l.From, l.To, l.Reason) }

// Error lists what is lost, and says how to go on without it.
func (e *LossError) Error() string {
	var b strings.Builder
	for i, l := range e.Lost {
		if i == 10 {
			fmt.Fprintf(&b, "; and %d more", len(e.Lost)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(l.String())
	}
	return "input is lost that no batch has read: " + b.String() + ": start once with --accept-loss to go on without it; the batch log then says what was lost"
}
