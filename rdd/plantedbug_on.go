//go:build plantedbug_ledger

package rdd

// lost loses the last row of a bucket behind the back of whoever counted it as sent: the ledger has to notice.
func lost(c Chunk) Chunk { return c.Slice(0, c.Len()-1) }
