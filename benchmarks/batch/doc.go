// Package batch measures what a batch costs beside its rows: the CPU of an empty one, whether a short interval is held, and whether
// memory stays what it is over many. The job is that of package ysb, its log in a directory.
package batch
