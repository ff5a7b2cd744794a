//go:build invariants

package rdd

// invariants makes operators overwrite what they reuse and check the rules of Chunk.
const invariants = true
