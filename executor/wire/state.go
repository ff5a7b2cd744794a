package wire

import "slices"

// StateRef says where a version of the state of a partition of a step lies: the rows of Base, and then those of each of Deltas, in order,
// which replace them key by key. Two refs of one partition that are equal are the same version, whoever holds it.
type StateRef struct {
	Step      string  `json:"step"`
	Partition int     `json:"partition"`
	Base      Frame   `json:"base,omitzero"` // zero: the state was empty
	Deltas    []Frame `json:"deltas,omitempty"`
}

// Frame is a place in a segment: one frame, which has a checksum of its own.
type Frame struct {
	Segment string `json:"segment"`
	Offset  int64  `json:"offset"`
	Length  int64  `json:"length"`
}

// Empty tells that the version has no rows.
func (r StateRef) Empty() bool { return r.Base.Length == 0 && len(r.Deltas) == 0 }

// Same tells whether two refs name one version of one partition.
func (r StateRef) Same(o StateRef) bool {
	return r.Step == o.Step && r.Partition == o.Partition && r.Base == o.Base && slices.Equal(r.Deltas, o.Deltas)
}

// Frames lists all frames of the version.
func (r StateRef) Frames() []Frame {
	if r.Base.Length == 0 {
		return r.Deltas
	}
	return append([]Frame{r.Base}, r.Deltas...)
}
