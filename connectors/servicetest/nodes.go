package servicetest

import (
	"context"
	"io"
	"syscall"
	"testing"
)

// Nodes are the JVMs of a cluster. They are counted from 0, in the order of the cluster's addresses.
//
// A method takes the nodes that it is for; without any it is for all. Methods may be called from several goroutines. In a test an
// error also fails the test, so a call may stand alone.
type Nodes struct {
	*group
	t testing.TB // the test that this value was made for; nil outside tests
}

// Kill ends nodes at once, with SIGKILL, and waits until they are gone. Those that do not run are left alone.
func (n Nodes) Kill(nodes ...int) error { return n.report(n.end(syscall.SIGKILL, nodes)) }

// Stop asks nodes to end, with SIGTERM, and waits until they have, at most a minute. Then they are killed, and that is an error.
// A Kafka broker of three leaves only while there is a quorum: stop the last two together with the first, or Kill them.
func (n Nodes) Stop(nodes ...int) error { return n.report(n.end(syscall.SIGTERM, nodes)) }

// Start starts nodes again, with their data and addresses, and waits until they answer and are full members again: Cassandra's
// see all others that run and are seen by them, Kafka's are in sync in every partition that they have. Those that run are left
// alone. It takes some seconds, at most two minutes. Three Kafka brokers have no quorum, and so are not ready, until two run.
func (n Nodes) Start(nodes ...int) error {
	return n.report(n.start(context.Background(), n.tellTo(), nodes))
}

// Pause stops nodes in their tracks, with SIGSTOP: their connections stay open and nothing answers.
func (n Nodes) Pause(nodes ...int) error { return n.report(n.pause(true, nodes)) }

// Resume lets paused nodes go on. It does not wait until the others have noticed.
func (n Nodes) Resume(nodes ...int) error { return n.report(n.pause(false, nodes)) }

// Log is the path of what node i has printed. It goes away with the cluster.
func (n Nodes) Log(i int) string { return n.nodes[i].log }

// Pid is the process of node i, 0 if it does not run.
func (n Nodes) Pid(i int) int {
	nd := n.nodes[i]
	nd.mu.Lock()
	defer nd.mu.Unlock()
	if !nd.running() {
		return 0
	}
	return nd.child.proc.Pid
}

// Close kills all nodes and removes their data, unless the cluster was started with a folder of the caller's. Clusters that tests
// get need not be closed.
func (n Nodes) Close() error { return n.close() }

// tellTo is who is told what is done. A cluster that tests share does not keep the first one's log: a test's log ends with it.
func (n Nodes) tellTo() io.Writer {
	if n.t != nil {
		return lines{n.t}
	}
	return n.progress
}

func (n Nodes) report(err error) error {
	if err != nil && n.t != nil {
		n.t.Helper()
		n.t.Error(err)
	}
	return err
}
