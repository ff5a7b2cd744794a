package node

import (
	"time"
)

// Engine is the version of what executors, drivers and workers say to each other outside the control stream: the calls of a daemon,
// the welcome of a worker, the settings of a hosted driver. It is raised with every change that an older side would misread. A driver
// and its workers are the same binary, so that nothing else can differ.
const Engine = "1"

// About is what a daemon says of itself. It is the only call that it answers to any version of the engine.
type About struct {
	Name        string
	Incarnation uint64 // of the daemon, greater after each start
	Address     string // host:port, as others reach it
	Gossip      string // host:port of its gossip
	Engine      string
	OS, Arch    string
	Rack        string
	Slots       int
	MemoryTotal int64 // bytes that workers may use together
	MemoryFree  int64 // of those, not promised to a worker
	ScratchFree int64 // bytes
	Draining    bool
	Secured     bool     // whether it has credentials
	Members     []string // executors that it sees by gossip, itself included: "name address", sorted
	Jobs        []string // with a worker or a driver here, sorted
}

// Start asks for a worker of a job.
type Start struct {
	Job    string // letters, digits, - _ and . (not first), at most 100
	SHA256 string // of the binary, in hex; see Client.Put
	Setup  []byte // for the worker, unread: see Welcome.Setup
	Epoch  int64  // of the driver; a lower one than the job has seen here is refused
	Memory int64  // bytes that the worker needs; 0: half of what is free here, at least 64 MiB
	// Scratch is the bytes of free disk that the worker needs; 0: 64 MiB.
	Scratch int64
}

// Worker is a worker that runs.
type Worker struct {
	Job      string
	Executor string // the name of its daemon
	Address  string // host:port of its control stream and its blocks
	Pid      int    // 0 while it is being started again
	Slots    int    // its share of the executor's
	Memory   int64  // bytes that were promised to it
	SHA256   string // of its binary
}

// What an Event tells of.
const (
	EventStarted  = "started"  // Worker listens: it is new, or it was there when Attend began
	EventExited   = "exited"   // Worker is gone, Why says how; a crashed one is started again, and told as started
	EventSlots    = "slots"    // the worker's share of the executor's slots is now Slots
	EventDraining = "draining" // the executor ends soon: move everything off it, then Stop
	EventRequest  = "request"  // somebody asks the job's driver for something: Request
)

// Event is what a driver hears of a daemon about its job.
type Event struct {
	Kind    string
	Worker  Worker
	Slots   int
	Why     string // of exited: exit status and the last lines of its output; of draining: the reason
	Request Request
}

// What a Request asks for.
const (
	RequestStop  = "stop"  // finish the batch at hand and end the job
	RequestScale = "scale" // use N executors
)

// Request is for the driver of a job. Whoever makes it gives it an ID, so that one that comes twice, over two daemons, is done once.
type Request struct {
	Kind string
	N    int
	ID   string
}

// JobStatus is a job as one daemon sees it.
type JobStatus struct {
	Job      string
	State    string // "running", "starting", "restarting", "waiting" (for a driver), "hosted", "ended", "failed"
	Why      string // the latest exit, "" for none
	Worker   Worker // Pid 0: none at the moment
	Restarts int    // of the worker, since Start
	Driver   string // who attends the job here, "" for nobody: certificate's name, host and pid
	Epoch    int64  // of that driver, or of the last one
	Hosted   Hosted
	Since    time.Time
}

// Hosted is the driver of a detached job, as the daemon that runs it sees it. The zero value: it does not run here.
type Hosted struct {
	Pid      int // 0: it does not run at the moment
	State    string
	Batch    int64 // the last committed one, -1 when it is not known
	Restarts int
	Standby  bool
}

// Submission is a detached job: the daemon runs its driver, restarts it when it crashes, and starts it again when the daemon itself
// was started anew.
type Submission struct {
	Job    string
	SHA256 string   // of the binary, which was Put before
	Args   []string // of the job
	Env    []string // its settings, each TIDEMILL_<name>=<value>
	File   []byte   // its tidemill.yaml; nil: none
	// Standby lets the driver wait until the one that runs the job is gone.
	Standby bool
}
