// Package control is the stream between a driver and a worker: one bidirectional call of grpc for each pair, dialed by the driver,
// that carries frames of package wire.
//
//	worker := control.NewWorker(control.WorkerOptions{Job: job, Graph: digest, Engine: version, Attach: attach, Take: w.Take})
//	server := grpc.NewServer(append(control.ServerOptions(), creds.ServerOptions(control.Roles())...)...)
//	worker.Register(server)
//
//	stream, err := control.Open(ctx, control.StreamOptions{Address: address, Credentials: creds, Attach: attach, Report: report})
//	stream.Send(wire.Begin{…}, wire.Launch{…})
//
// The driver says Attach, the worker answers Hello; then messages go one way and reports the other, each in order and once, or the
// stream ends. Frames are numbered: one that comes twice is ignored, and when one is missing the stream ends, so nothing is ever
// skipped. Every frame carries epoch, incarnation and graph, and both ends ignore those that are not of this attachment.
//
// Both ends beat when they have nothing to say. An end that has heard nothing for the time of Silence gives the stream up, by its own
// monotonic clock: a process that was stopped for longer and wakes takes nothing any more of what was on the way to it. What is
// sent never waits for the network: it is queued, all that is queued goes into the next frame, and a queue that grows beyond
// its bound ends the stream.
//
// One driver is attached at a time, the one of the highest epoch. An Attach of the same epoch, from a driver whose connection broke, or
// of a higher one, ends the stream before it: its last message has been taken when Attach is called. One of a lower epoch is
// refused with a *wire.EpochError, which is also what the stream that was displaced ends with.
//
// What it does not do: dial again (who has opened a stream decides that), keep messages beyond the end of a stream, or decide
// what a lost stream means.
package control
