// Package wire holds the messages between driver and worker. They carry facts (a batch's plan, numbers of tasks, counts), never
// code: both sides have the same binary and build the same graph.
package wire
