// Package node is the executor daemon: one a machine. It keeps the binaries of jobs, runs one worker process a job, starts crashed ones
// again, shares its slots among jobs, and hosts the drivers of detached jobs.
//
//	err := node.Run(ctx, node.Options{Name: "e1", Join: []string{"10.0.0.1:7946"}}) // until ctx ends: then it drains
//
//	c, err := node.Dial("10.0.0.1:7077", credentials)                               // a driver's end
//	err = c.Put(ctx, signed, binary)
//	w, err := c.Start(ctx, node.Start{Job: "ads", SHA256: digest, Epoch: 7})        // w.Address: control stream and blocks
//	err = c.Attend(ctx, "ads", 7, func(e node.Event) { … })                         // what becomes of it
//	err = c.Stop(ctx, "ads")
//
//	w, err := node.ReceiveWelcome()                                                 // a worker's end
//	err = w.SayReady(node.Ready{Address: listener.Addr().String()})
//
// # Contract
//
// Binaries are stored by their SHA-256. What arrives is checked while it does: digest, size, system, version of the engine, and with
// credentials the signature of a driver or a submitter. At each start digest and signature are checked again, on an open file, and that
// file is executed: what happens to its name meanwhile does not matter. The kernel lets nobody write to a file that runs, and one that was
// written to between the check and the start is found out before the process is told anything. One that was altered on disk is removed, so
// that it is handed over again. Those that no job has used for the longest
// are removed.
//
// A worker gets a clean environment, a scratch folder of its own that is empty, no standard input, no way to gain rights
// (no_new_privs), limits, a process group, and dies with the daemon, however that dies. Its credentials come over a pipe. It must listen
// within Options.Ready. A worker that crashes is started again, after 250 ms at first and up to 10 s, as long as a driver attends the job;
// the driver is told exited and then started. One that exits with status 0 has ended by itself. One that uses a quarter more memory
// than it was promised is killed, and its driver told why.
//
// Slots are shared equally among the jobs with a worker here, at least one each; a driver is told when its share changes. Memory is
// promised once, at the start.
//
// Start and Attend carry the driver's epoch: a driver of a lower one than the job has here is refused, one of a higher takes over, worker
// included. Once neither worker nor driver of a job is left, any epoch may begin it.
//
// A daemon that ends tells the drivers, takes nothing new, and waits for them to Stop their workers. Hosted drivers are told to finish
// their batch; they are started again with the daemon. They run with the daemon's certificate, which therefore needs the role driver too.
//
// # Files
//
// daemon.go runs it, join.go finds the others, calls.go is the table of calls and who may make them, client.go the other end of it.
// binaries.go and seal.go keep binaries, child.go and cage_linux.go make processes, jobs.go and keep.go look after workers, attend.go after
// their drivers, hosted.go after detached ones, output.go after what all of them print. restart has the rules of starting again.
//
// # What it does not do
//
// It takes no part in a job: no data passes through it, and it does not know what a batch is. It does not isolate a job from its own user:
// workers run as the daemon's user, in no container. Start the daemon in one, if jobs are not trusted.
package node
