// Package shuffle measures how fast blocks go from one worker process to another over the loopback interface: chunks of Go values in one
// process, as the block store holds them, become chunks of Go values in the other, by package flight and nothing else.
//
//	go run ./benchmarks shuffle -n 20000000 -readers 2
//
// A row has 57 bytes in Arrow's form: three numbers and two short texts. Each reader is a task: it opens one stream for all partitions of
// its bucket and reads it to the end. Before a time is printed, the rows' number, the sum of their numbers and of the lengths of
// their texts are compared with what the sender made, and the first and last row of each chunk are looked at.
//
// Each process holds 64 MiB more, as a job's does. CPU time is that of both processes, kernel included. With TLS, certificates are made by package authority for the run.
package shuffle
