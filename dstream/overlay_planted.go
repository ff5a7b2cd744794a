//go:build plantedbug_overlay

package dstream

// overlayWritesThrough lets a task write what it folds into the committed state too: run again, it folds a second time.
const overlayWritesThrough = true
