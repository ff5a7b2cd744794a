package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MaxDeltas is the most deltas that a StateRef may have: more are refused when it is read.
const MaxDeltas = 1 << 10

// refJSON is a StateRef in JSON. A run of places in one segment is one string, "segment offset+length offset+length …": numbers are written
// with base 36, an offset as the distance from the end of the place before it in the run. A segment's name has no space in it.
type refJSON struct {
	Step      string   `json:"step"`
	Partition int      `json:"partition"`
	Base      string   `json:"base,omitempty"`
	Deltas    []string `json:"deltas,omitempty"`
}

// MarshalJSON writes the short form.
func (r StateRef) MarshalJSON() ([]byte, error) {
	j := refJSON{Step: r.Step, Partition: r.Partition, Deltas: runsOf(r.Deltas)}
	if r.Base != (Frame{}) {
		j.Base = runsOf([]Frame{r.Base})[0]
	}
	return json.Marshal(j)
}

func runsOf(fs []Frame) (out []string) {
	for i := 0; i < len(fs); {
		run, end := []byte(fs[i].Segment), int64(0)
		for at := i; i < len(fs) && fs[i].Segment == fs[at].Segment && (i == at || fs[i].Offset >= end); i++ {
			run = strconv.AppendInt(append(run, ' '), fs[i].Offset-end, 36)
			run = strconv.AppendInt(append(run, '+'), fs[i].Length, 36)
			end = fs[i].Offset + fs[i].Length
		}
		out = append(out, string(run))
	}
	return out
}

// UnmarshalJSON reads the short form. It takes no more memory than the text and MaxDeltas places.
func (r *StateRef) UnmarshalJSON(text []byte) error {
	var j refJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	out := StateRef{Step: j.Step, Partition: j.Partition}
	if j.Base != "" {
		base, err := readRun(nil, j.Base, 1)
		if err != nil {
			return fmt.Errorf("state of %s, partition %d: base: %w", j.Step, j.Partition, err)
		}
		out.Base = base[0]
	}
	for _, run := range j.Deltas {
		var err error
		if out.Deltas, err = readRun(out.Deltas, run, MaxDeltas); err != nil {
			return fmt.Errorf("state of %s, partition %d: deltas: %w", j.Step, j.Partition, err)
		}
	}
	*r = out
	return nil
}

// readRun appends the places of a run, up to most in all.
func readRun(to []Frame, run string, most int) ([]Frame, error) {
	segment, rest, more := strings.Cut(run, " ")
	if segment == "" || !more {
		return nil, fmt.Errorf("%.100q is not a segment with places", run)
	}
	end := int64(0)
	for place := range strings.SplitSeq(rest, " ") {
		if len(to) == most {
			return nil, fmt.Errorf("more than %d places", most)
		}
		gap, length, err := readPlace(place)
		if err != nil {
			return nil, fmt.Errorf("%.100q in %s: %w", place, segment, err)
		}
		if gap > math.MaxInt64-end || length > math.MaxInt64-end-gap {
			return nil, fmt.Errorf("%.100q in %s: beyond any file", place, segment)
		}
		to = append(to, Frame{segment, end + gap, length})
		end += gap + length
	}
	return to, nil
}

func readPlace(place string) (gap, length int64, err error) {
	a, b, ok := strings.Cut(place, "+")
	if !ok {
		return 0, 0, errors.New("want offset+length")
	}
	if gap, err = readNumber(a); err == nil {
		length, err = readNumber(b)
	}
	return gap, length, err
}

func readNumber(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 36, 63)
	return int64(n), err
}
