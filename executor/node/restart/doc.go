// Package restart decides whether a process that has ended is started again, and when.
//
//	var p restart.Policy
//	d := p.Next(exit) // d.Restart, d.After, d.Message
//
// A crash is death by a signal, exit status 2 (a panic or a fatal error of the Go runtime), or 70, by which the engine asks to be started
// again. Every other exit is an answer, and ends it. After a crash a driver is started again after a delay that doubles; three crashes in
// a row without a batch committed in between end it: the batch would crash it for ever.
//
// There is no clock and no process here: whoever runs the process says what happened and does what is decided.
package restart
