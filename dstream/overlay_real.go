//go:build !plantedbug_overlay

package dstream

// overlayWritesThrough is where the tag plantedbug_overlay lets a task change committed state.
const overlayWritesThrough = false
