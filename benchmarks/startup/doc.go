// Package startup measures how long a user waits: from the start of `driver run job.go` to the job's own code, and to the first
// batch, when nothing has changed and after an edit. All times are wall times, since waiting is what is meant.
package startup
