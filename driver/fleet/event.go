package fleet

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tidemill/tidemill/executor/wire"
)

// Worker is one incarnation of the worker on an executor: one attachment of it to this driver. Two are the same only if both parts are.
type Worker struct {
	Name        string // of its executor
	Incarnation uint64
}

// String is the name and the incarnation in hex.
func (w Worker) String() string { return w.Name + "/" + strconv.FormatUint(w.Incarnation, 16) }

// Event is what a driver hears of its fleet.
type Event interface{ event() }

type (
	// Up says that a worker can be sent to. Hello.Slots is its share of the executor now.
	Up struct {
		Worker Worker
		Hello  wire.Hello
	}

	// Down says that an incarnation is gone: its stream has ended, and nothing more comes from it. What it held is lost unless the
	// next incarnation's Hello names it.
	Down struct {
		Worker Worker
		Why    error // ErrReleased after Release
	}

	// Slots says that the worker's share of its executor has changed.
	Slots struct {
		Worker Worker
		N      int
	}

	// Draining says that a worker is about to leave: because there shall be fewer, or because its executor stops. It works on until
	// Release. A worker drains once; the executor may come back later with another incarnation.
	Draining struct {
		Worker Worker
		Why    string
	}

	// Report is what a worker has sent, in its order.
	Report struct {
		Worker  Worker
		Reports []wire.Report
	}

	// Refused says that an executor cannot be used: once, until it could or the reason is another one. It is tried again nevertheless.
	Refused struct {
		Name    string // empty if it never said one
		Address string
		Why     *Reason
	}

	// Request is what somebody asks of this job through an executor: "stop", or "scale" to N. It comes once, however many executors
	// bring it. The fleet itself does nothing about it.
	Request struct {
		Kind string
		N    int
		ID   string
	}
)

func (Up) event()       {}
func (Down) event()     {}
func (Slots) event()    {}
func (Draining) event() {}
func (Report) event()   {}
func (Refused) event()  {}
func (Request) event()  {}

// ErrReleased is why a worker is Down that the driver has released.
var ErrReleased = errors.New("released")

// warning is an event for people.
type warning string

func (warning) event() {}

// String is what Warn says.
func (r Refused) String() string {
	if r.Name == "" {
		return fmt.Sprintf("the executor at %s cannot be used: %v", r.Address, r.Why)
	}
	return fmt.Sprintf("executor %s (%s) cannot be used: %v", r.Name, r.Address, r.Why)
}
