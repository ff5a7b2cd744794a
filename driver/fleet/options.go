package fleet

import (
	"cmp"
	"errors"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
)

// Options say which job runs where, and who is told.
type Options struct {
	Job    string // its name
	Epoch  int64  // of the driver; workers and executors refuse one that is lower than they have seen
	Graph  string // digest of the job's graph; a worker with another one is refused
	Engine string // version of the engine in the binary; a worker with another one is refused

	// Cluster are the addresses (host:port) of some executors, at least one. The others are found by
	// gossip.
	Cluster []string
	// Gossip are addresses of their gossip, if those are known already; with some, Cluster may be empty.
	Gossip []string
	// Label is the name of the cluster, which its gossip is marked and encrypted with. Default: that in the certificate, else "tidemill".
	Label string
	// Binary is the path of the job's executable, which executors start. It must not change as long as the fleet is open.
	Binary string
	// Setup is for the worker: the fleet does not look into it.
	Setup []byte
	// Executors is how many are wanted. 0, the default: all that can be used.
	Executors int
	// Memory is what an executor must have free, in bytes. 0, the default: it need not have any.
	Memory int64
	// Credentials are what the driver shows and trusts. nil: none, and so only executors on this machine.
	Credentials *identity.Credentials

	// Told is called with every event, from one goroutine and in order. It may take as long as it likes: events wait for it, streams
	// do not. Required.
	Told func(Event)
	// Warn is called from the same goroutine with what a person should know. Default: nobody is told.
	Warn func(text string)

	// Silence is how long a worker may say nothing before its stream ends. Default 2s. Too short, and a busy machine loses workers.
	Silence time.Duration
	// Answer is how long an executor may take to answer a question. Default 5s.
	Answer time.Duration
	// Starting is how long it may take to start a worker, and as long again to receive the binary. Default 1m.
	Starting time.Duration
	// Patience is how long an executor may be away before a spare one takes its seat. Default 3s. Too short, and state moves for
	// a worker that restarts.
	Patience time.Duration

	net network // default: the real one
}

// DefaultLabel names a cluster that nobody gave a name.
const DefaultLabel = "tidemill"

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Job == "":
		return o, errors.New("a fleet needs the name of its job")
	case len(o.Cluster)+len(o.Gossip) == 0:
		return o, errors.New("a fleet needs the address of an executor: set cluster.address or --cluster")
	case o.Told == nil:
		return o, errors.New("a fleet needs somebody to tell")
	case o.Executors < 0:
		return o, errors.New("the number of executors is below zero")
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	o.Label = cmp.Or(o.Label, o.Credentials.Cluster(), DefaultLabel)
	for _, d := range []struct {
		to *time.Duration
		or time.Duration
	}{{&o.Silence, 2 * time.Second}, {&o.Answer, 5 * time.Second}, {&o.Starting, time.Minute}, {&o.Patience, 3 * time.Second}} {
		if *d.to <= 0 {
			*d.to = d.or
		}
	}
	if o.net == nil {
		o.net = &grpcNetwork{o.Credentials}
	}
	return o, nil
}
