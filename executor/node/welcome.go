package node

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// The files of a worker beside the standard ones. The third is the binary itself, which the kernel was told to execute by that number.
const (
	welcomeFile = 3 + iota
	readyFile
	binaryFile
)

const (
	maxWelcome = 64 << 20 // bytes; a job's setup is some kilobytes
	maxReady   = 64 << 10
)

// Welcome is what a daemon tells a worker, over a file that only the two have: credentials are in no environment and no argument.
type Welcome struct {
	Executor  string // the daemon's name
	Job       string
	Listen    string // host:port to listen on; the port is 0
	Advertise string // the host that others reach the worker by
	Rack      string
	Scratch   string // an empty folder of the worker's own, also its working folder
	Slots     int    // its share at the start
	Memory    int64  // bytes promised to it; its GOMEMLIMIT is a little less
	Setup     []byte // of Start
	Engine    string
	// Credentials are for identity.Unbundle; empty: none, and loopback only.
	Credentials []byte
	// Orphan is how long the worker waits for a driver before it exits, with status 0.
	Orphan time.Duration
}

// Ready is what a worker answers: where it listens, or why it cannot.
type Ready struct {
	Address string // host:port, as others reach it
	Err     string
}

// ReceiveWelcome reads the welcome that the daemon sent to this process, which must be a worker. It can be called once.
func ReceiveWelcome() (Welcome, error) {
	var w Welcome
	f, err := inherited(welcomeFile, "welcome")
	if err != nil {
		return w, err
	}
	defer f.Close()
	for _, fd := range []int{readyFile, binaryFile} {
		syscall.CloseOnExec(fd)
	}
	if err := json.NewDecoder(io.LimitReader(f, maxWelcome)).Decode(&w); err != nil {
		return w, fmt.Errorf("read the executor's welcome: %w", err)
	}
	if w.Engine != Engine {
		return w, &refusal{ErrEngine, fmt.Sprintf("executor %s has version %s of the engine, this worker has version %s: install the same one", w.Executor, w.Engine, Engine)}
	}
	return w, nil
}

// SayReady answers the welcome. It can be called once.
func (w Welcome) SayReady(r Ready) error {
	f, err := inherited(readyFile, "ready")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewEncoder(f).Encode(r); err != nil {
		return fmt.Errorf("tell executor %s that the worker is ready: %w", w.Executor, err)
	}
	return nil
}

// inherited is a pipe that the daemon opened.
func inherited(fd int, name string) (*os.File, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil, fmt.Errorf("file %d is not open: TIDEMILL_MODE=worker and TIDEMILL_HOSTED are for an executor, which starts its processes itself; use driver run --cluster", fd)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name), nil
}

// readReady reads the answer: one line, of bounded length.
func readReady(in io.Reader) (r Ready, err error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxReady)).ReadBytes('\n')
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(line, &r)
}

// Hosting is what a daemon tells a driver that it hosts, over a file that only the two have.
type Hosting struct {
	Executor string // the daemon's name
	Gossip   string // host:port of the daemon's gossip: a seed
	Cluster  string // the name that gossip is kept apart by
	Engine   string
	// Credentials are the daemon's, for identity.Unbundle, with the cluster's secret; empty: none. A certificate with both roles, executor
	// and driver, lets the daemon host drivers.
	Credentials []byte
}

// ReceiveHosting reads what the daemon told this process, if TIDEMILL_HOSTED says that a daemon has started it. It can be called once.
func ReceiveHosting() (h Hosting, hosted bool, err error) {
	if os.Getenv(hostedName) == "" {
		return h, false, nil
	}
	f, err := inherited(welcomeFile, "hosting")
	if err != nil {
		return h, false, err
	}
	defer f.Close()
	syscall.CloseOnExec(binaryFile)
	if err := json.NewDecoder(io.LimitReader(f, maxWelcome)).Decode(&h); err != nil {
		return h, false, fmt.Errorf("read what the executor says: %w", err)
	}
	if h.Engine != Engine {
		return h, false, &refusal{ErrEngine, fmt.Sprintf("executor %s has version %s of the engine, this driver has version %s: install the same one", h.Executor, h.Engine, Engine)}
	}
	return h, true, nil
}
