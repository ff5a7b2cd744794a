// Package cassandra measures what writing to a real Cassandra node costs. It starts a node of its own; then these write the same rows, of
// 60 bytes in partitions of 100, to the same table in turn:
//
//   - the sink: the Cassandra connector, written to as the engine writes a batch: so many partitions at a time, then its control row. It
//     gets Go values, encodes them as columns, and decides itself how much is under way;
//   - batches by hand: plain gocql, an unlogged batch for each partition, prepared, to a replica, with a timestamp, so many under way;
//   - single inserts by hand: the same with a statement for each row.
//
// The sink and either loop alternate. CPU time is this process's: the node is another one, but it shares the machine's cores, which wall time
// shows. A JVM gets faster for minutes: the first runs of each are not measured. Connections are open before the clock starts.
//
// Every run writes rows that carry its number, and is checked by a scan of the table over CQL: each row is there once, and is this run's. Not
// measured here: several nodes, deletes, compaction that falls behind.
package cassandra
