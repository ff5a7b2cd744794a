package receivers

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/tidemill/tidemill/dstream"
)

// piece is a range of a log that lies in one segment.
type piece struct {
	Segment
	From    int64    `json:"from"`
	To      int64    `json:"to"`
	Holders []Holder `json:"holders"`
}

// span is a range of a log.
type span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// position is the form of Offsets.
type position struct {
	At      int64    `json:"at"`
	Holders []Holder `json:"holders,omitempty"` // that have what was acknowledged from At on
	Lost    []span   `json:"lost,omitempty"`    // behind At, and the user has accepted it
}

// body is the form of Split.Body.
type body struct {
	Log    Log     `json:"log"`
	Pieces []piece `json:"pieces"`
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers
	}
	return b
}

func parsePosition(from dstream.Offsets) (p position, err error) {
	if len(from) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(from, &p); err != nil || p.At < 0 || from[0] != '{' {
		return p, fmt.Errorf("offsets %.100q are not those of a log on executors: the job has run without a cluster before; start over with --fresh", from)
	}
	for i, l := range p.Lost {
		if l.From < 0 || l.To <= l.From || i > 0 && l.From < p.Lost[i-1].To {
			return p, fmt.Errorf("offsets %.100q are damaged", from)
		}
	}
	return p, nil
}

func parseBody(b []byte) (out body, err error) {
	if err := json.Unmarshal(b, &out); err != nil {
		return out, fmt.Errorf("split %.100q is not of a log on executors: the job has run without a cluster before; start over with --fresh", b)
	}
	return out, nil
}

// holdersOf are the different ones of some pieces.
func holdersOf(pieces []piece) (out []Holder) {
	for _, p := range pieces {
		for _, h := range p.Holders {
			if !slices.Contains(out, h) {
				out = append(out, h)
			}
		}
	}
	slices.SortFunc(out, func(a, b Holder) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address)) })
	return out
}

// within are the parts of pieces with places from … to−1 in them.
func within(pieces []piece, from, to int64) (out []piece) {
	for _, p := range pieces {
		if p.From < to && p.To > from {
			p.From, p.To = max(p.From, from), min(p.To, to)
			p.Holders = holdersOf([]piece{p})
			out = append(out, p)
		}
	}
	return out
}

const forever = math.MaxInt64
