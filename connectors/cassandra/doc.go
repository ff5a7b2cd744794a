// Package cassandra is a sink that keeps rows in a table of Apache Cassandra (4.0 and newer) exactly once, and a source that reads one.
//
//	cassandra://host[:9042][,host2]/keyspace.table?…
//	cassandra://user:password@host/analytics.views?tls=true&ca=/etc/mill/ca.pem
//
// Parameters of both, with their defaults:
//
//	dc=                  the data centre that statements go to, and never leave; default: that of the hosts
//	timeout=6s           for the answer to one statement; a source's is 12s
//	connect_timeout=5s   for each step of a connection
//	tls=, ca=, cert=, key=, server_name=   see package connectors/internal/secure
//
// The user's name and password are those of Cassandra's PasswordAuthenticator.
//
// # Sink
//
//	create=false               true: a table that is missing is made, with the key that the rows' tags say
//	nulls=unset                what a nil field does: unset leaves what the column has, write deletes it (a tombstone each)
//	ttl=0                      the life of what is written, in whole seconds; 0 = the table's
//	consistency=local_quorum   or quorum, each_quorum, local_one, one, two, three, all
//
// Rows are bound to columns as package schema says; the table's whole primary key is among them. A field of type time.Duration tagged
// cassandra:"ttl" is no column but the life of its row; 0 leaves it to the table.
//
// Rows are upserted, rows that are Deleted delete theirs. The table then is what it would be had the rows been written one after the other: of
// each primary key at most one insert and one delete are sent a batch; a static column has the value of its partition's last row. The
// engine brings all rows of one partition key to one writer. Rows of a partition go in unlogged batches of at most 200 rows and 48 KiB,
// which the server takes as one mutation.
//
// Lists, sets and maps are written whole: what they had is gone. That costs a tombstone a write in tables where they are not frozen. There
// are no counters, no appending to lists and no conditions (IF): run again, they would not come to the same. A counter table is refused when
// the sink is opened; write each batch's part to a row of its own instead, and add when reading.
//
// Guarantee: exactly once. Writes carry the timestamp of their batch, not the time of day: deletes the batch's, inserts a microsecond
// later. A batch that runs again writes the same cells with the same timestamps, which changes nothing, and what an older batch still
// writes loses. With a time to live a row that is written again lives from then. A reader may see a part of a batch while it is written. Whoever
// else writes to the same cells should be no older than the batch: as in all of Cassandra, the later timestamp wins.
//
// Of a partition of a batch up to 64 MiB are kept until all its rows are known; of more, each 64 MiB are sent with later timestamps.
//
// The table tidemill_sinks of the same keyspace holds for each job, sink and table which batch was written last; it is made when a run
// starts, and written when a batch is. A run is refused that another driver has overtaken, or that would write with timestamps older than those
// that are there: it would write in vain. The error says what to do.
//
// A node that is away, overloaded or slow is waited for: statements are repeated, to another replica first, after 50 ms to 2 s, and no more
// than one in ten of all; then the job says what it waits for, until it goes on or is stopped. To each node between 4 and 256
// statements, of 4 MiB, are under way: one more for each round that went well, half as many when it is too much. What no retry mends fails at
// once: a right that is missing, a table that has changed.
//
// # Source
//
//	consistency=local_one   or one, two, three, local_quorum, quorum, all
//	page_bytes=1048576      of a page of rows, about
//	splits=0                ranges of tokens that the whole table is read in, at least; 0 = four a node
//
// A table, or a materialized view, is read once, by ranges of tokens: from the least token to the greatest, and within a partition in the order of its
// clustering key. Only the columns that the rows have are asked for. It serves as a table of a job, which is frozen when the job starts, and as a bounded source.
// LOCAL_ONE reads what one node has, which may lack the newest writes; take LOCAL_QUORUM where that matters. A value that does not fit its field, and null in
// a field that is no pointer, make a bad record, except that null is an empty slice or map.
//
// With a limit, Plan counts rows by their tokens, and hands out whole partitions: a larger one than the limit is a batch of its own. Bytes of a limit count as the
// fixed size of the row type, text not included.
//
// A table that changes while it is read is no replayable source: a batch that runs again reads what is there then. Rows that were counted are counted again: if
// there are more or fewer, reading fails; rows with other values are not noticed. Let nobody write to the table meanwhile.
package cassandra
