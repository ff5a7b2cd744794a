//go:build !plantedbug_ledger

package rdd

// lost is where the tag plantedbug_ledger loses a row.
func lost(c Chunk) Chunk { return c }
