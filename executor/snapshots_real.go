//go:build !plantedbug_gathering

package executor

// gatheringLosesDelta is where the tag plantedbug_gathering makes snapshots leave the last delta out.
const gatheringLosesDelta = false
