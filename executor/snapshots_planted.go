//go:build plantedbug_gathering

package executor

// gatheringLosesDelta makes snapshots in the background leave the last delta out.
const gatheringLosesDelta = true
