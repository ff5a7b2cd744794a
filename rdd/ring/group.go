package ring

import (
	"fmt"
	"math/bits"
)

// Bounds of the number of key groups, which is always a power of two.
const (
	MinGroups     = 16
	MaxGroups     = 65536
	DefaultGroups = 1024
)

// CheckGroups returns an error unless groups is a power of two from MinGroups to MaxGroups.
func CheckGroups(groups int) error {
	if groups < MinGroups || groups > MaxGroups || groups&(groups-1) != 0 {
		return fmt.Errorf("%d key groups: use a power of two from %d to %d", groups, MinGroups, MaxGroups)
	}
	return nil
}

// GroupsFor returns the number of key groups for a ring of that many token ranges:
// the next power of two ≥ 16·ranges within the bounds, and DefaultGroups for 0 ranges.
func GroupsFor(ranges int) int {
	switch {
	case ranges <= 0:
		return DefaultGroups
	case ranges >= MaxGroups/16:
		return MaxGroups
	}
	return 1 << bits.Len(uint(16*ranges-1))
}

// Group returns the key group of t: token space cut into groups equal slices,
// numbered in signed token order. groups must satisfy CheckGroups.
func Group(t Token, groups int) int {
	fromLowest := uint64(t) ^ 1<<63
	return int(fromLowest >> (64 - uint(bits.TrailingZeros(uint(groups)))))
}

// Partition returns the partition that owns a group: group·partitions/groups rounded
// down, so partitions own contiguous runs of ⌊groups/partitions⌋ or one more groups.
// Requires 0 ≤ group < groups and partitions ≥ 1; with more partitions than groups
// some own nothing.
func Partition(group, groups, partitions int) int {
	return int(uint64(group) * uint64(partitions) / uint64(groups))
}
