// Package kafka measures what reading a topic of a real broker costs. It starts a broker of its own and fills a topic with ad events,
// JSON of 253 bytes each; then these read the whole of it in turn:
//
//   - the loop: plain sarama, Broker.Fetch one partition after the other, read committed. It adds up the lengths of the values;
//   - the source: the Kafka connector without decoding (format=bytes), planned and read in batches as the engine does, which adds up the
//     same. Neither driver nor log is part of it;
//   - the job: the one in examples/ads, by driver.Run with the defaults of a configuration and an interval of 100 ms. It decodes JSON,
//     filters, looks campaigns up and counts in windows.
//
// Loop and source fetch as much at a time, on as many connections, in a process with the heap of a job. CPU time is this process's: the broker is another one, but it shares the
// machine's cores, which wall time shows.
//
//	t, err := kafka.Fill(ctx, cluster.Addresses(), "ads", kafka.Load{Events: 4_000_000}) // other scenarios read it too
//	run, err := t.Job(ctx)                                                                // the demo's job over it
//
// Every run is checked: records and bytes against what was sent, the job's counts cell by cell. Not measured here: latency, several brokers,
// compressed batches, and a topic that is not in the page cache.
package kafka
