// Package supervise keeps a job's binary running: it starts it, passes signals on, and starts it again when it crashes.
//
//	code, err := supervise.Run(supervise.Options{Command: func() *exec.Cmd { return exec.Command(path) }})
//
// A crash is death by a signal, exit status 2 (a panic or a fatal error of the Go runtime), or 70, by which the engine
// asks to be started again. After a crash the job is started again, after 250 ms at first and then twice as long each
// time, up to 10 s. Three crashes in a row without a batch committed in between end it: the batch would crash it for
// ever. Every other exit is an answer, and ends it with the same status.
//
// SIGINT, SIGTERM and SIGHUP are passed on, after which no crash is repaired; the third kills. The job runs in a process
// group of its own, so that a Ctrl-C reaches it once, through this process, and not twice. Where the kernel can, it is killed
// when this process dies, however that dies.
//
// What to do is decided by [restart.Policy], which has no clock and no process, and which executors use too for the drivers that they
// host; Run does it.
package supervise
