//go:build !invariants

package rdd_test

// checking tells that the engine is built to check itself, which costs allocations.
const checking = false
