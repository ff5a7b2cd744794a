// Package rig runs a cluster as real processes: executors, a driver and perhaps a standby, started by the commands that users type. It knows
// their pids and those of their children, so that a test can kill, stop or freeze any of them, and leaves nothing behind.
//
//	r, err := rig.New(rig.Options{Dir: dir, Driver: "bin/driver", Executor: "bin/executor", Executors: 3, Job: "job.go", …})
//	defer r.Close()
//	err = r.StartExecutor(1)
//	d, err := r.StartDriver(false)
//	pids := r.Workers(1)
//	err = pids[0].Signal(syscall.SIGKILL)
//
// Executor i, from 1 on, is ex-i, listens at the address that the Ground has for node i, on ports that were free, and keeps name, ports and
// folder when it is started again. Drivers run at node 0. With 0 executors jobs run in local mode.
//
// Every process is killed when this one dies, however that dies, where the kernel can (Linux). A pid is only signalled as long as it is the
// process that it was found as. What processes print goes to files in Dir/logs, one for each start.
//
// A Rig belongs to one goroutine. It decides nothing: who is struck, and when, is up to the caller.
package rig
