//go:build !invariants

package rdd

// invariants makes operators overwrite what they reuse and check the rules of Chunk: go test -tags invariants.
const invariants = false
