package wire

import "slices"

// StateRef says where a version of the state of a partition of a step lies: the rows of Base, and then those of each of Deltas, in order,
// which replace them key by key. Two refs of one partition that are equal are the same version, whoever holds it.
//
// A COMMIT names every partition, so in JSON places are short; see Frame.
type StateRef struct {
	Step      string
	Partition int
	Base      Frame // zero: the state was empty
	Deltas    []Frame
}

// Frame is a place in a segment: one or more frames of package codec, one after the other, each with a checksum of its own.
type Frame struct {
	Segment string
	Offset  int64
	Length  int64
}

// Empty tells that the version has no rows.
func (r StateRef) Empty() bool { return r.Base.Length == 0 && len(r.Deltas) == 0 }

// Same tells whether two refs name one version of one partition.
func (r StateRef) Same(o StateRef) bool { return r.Extends(o) && len(r.Deltas) == len(o.Deltas) }

// Extends tells whether who holds the version o comes to r with the deltas of r that o lacks.
func (r StateRef) Extends(o StateRef) bool {
	return r.Step == o.Step && r.Partition == o.Partition && r.Base == o.Base && len(o.Deltas) <= len(r.Deltas) &&
		slices.Equal(r.Deltas[:len(o.Deltas)], o.Deltas)
}

// Frames lists all places of the version, in the order in which they are read.
func (r StateRef) Frames() []Frame {
	if r.Base.Length == 0 {
		return r.Deltas
	}
	return append([]Frame{r.Base}, r.Deltas...)
}
