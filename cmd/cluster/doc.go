// Cluster shows the engine at work on several machines, which here are one: three executors on 127.0.0.1 to 127.0.0.3 and a driver, started as
// a user would start them, run examples/ads. On the way one executor is killed, and then the driver. The table must be what one pass over
// the events counts.
//
//	cluster                 as make cluster runs it
//	cluster -scale          1 → 3 → 2 executors while the job runs, by driver scale; hardly a batch may be late
//
// The last line is "cluster: ok: …" if everything was right; else the reason stands on the standard error, and the status is 1.
package main
