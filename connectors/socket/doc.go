// Package socket is a source of lines that it reads from a TCP server, as Spark's socketTextStream does.
//
//	socket://127.0.0.1:9999?format=text
//
// The parameters of the format stand in package format: format, max_record, time, sep. A record is a line, also in CSV, which
// has no header here.
//
//	reconnect=true    false: the source is at its end once the server has closed the connection and all lines are read
//	backlog=1073741824  bytes that may lie in the log before no more are read from the server
//
// Raw TCP has no acknowledgements: lines that are under way, or that were received since the last batch was planned, are lost
// when the process or the machine dies. What a plan has handed out never is: lines go into a log, a plan syncs it before it
// answers, and a split is a range of it. Parts of the log are deleted once all of their lines are committed. The log is the
// endpoint's Journal, which in a cluster lies on two executors, or else files in the endpoint's scratch folder.
//
// When the connection breaks, it is made again, after 100 ms at first and at most 5 s; an unfinished line is dropped then, but
// not when the server closes the connection in an orderly way. Of a line of more than 1 MiB the first 1 MiB becomes a bad
// record. Memory is bounded by that.
package socket
