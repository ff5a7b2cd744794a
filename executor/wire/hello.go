package wire

import "fmt"

// Header holds for all messages of one frame on the stream between driver and worker. What does not fit is refused: it is of a driver that was
// replaced, of an attachment that has ended, or of another build of the job.
type Header struct {
	Epoch       int64
	Incarnation uint64 // of this attachment, chosen anew by the worker for each
	Graph       string // digest of the job's graph
}

// Attach is how a driver introduces itself to a worker.
type Attach struct {
	Job    string
	Epoch  int64
	Graph  string // digest of the job's graph
	Engine string // version of the engine
}

// Hello answers Attach: what the worker is and what it holds.
type Hello struct {
	Worker      string
	Incarnation uint64
	Slots       int
	Address     string // host:port of its blocks, as others reach it
	Graph       string
	Engine      string
	// Held are the versions of state in its memory after the last batch of which it has seen the Commit. Pending are those that it has
	// made durable for batch PendingBatch and not seen the Commit of: the driver knows from the log whether it happened, and says so
	// with Commit or Abort.
	Held         []StateRef
	PendingBatch int64
	Pending      []StateRef
}

// DigestError says that driver and worker have built different graphs.
type DigestError struct{ Driver, Worker string }

// Error names both digests and what to look for.
func (e *DigestError) Error() string {
	return fmt.Sprintf("the worker's graph differs from the driver's (stages %s there, %s here): build must depend on nothing but its parameters; "+
		"look for the clock, random numbers, the environment, files, or iteration over a map in it", e.Driver, e.Worker)
}

// EpochError says that a driver was replaced by another one, of a higher epoch.
type EpochError struct {
	Worker     string
	Have, Want int64
}

// Error names both epochs.
func (e *EpochError) Error() string {
	return fmt.Sprintf("worker %s belongs to a driver of epoch %d; this one has epoch %d and was replaced", e.Worker, e.Have, e.Want)
}
