// Package sqlite is a sink that keeps rows in a table of an SQLite file exactly once, and a source that reads one.
//
//	sqlite:views.db?table=views        a file relative to the working directory
//	sqlite:///var/lib/views.db         an absolute one
//
// Parameters, with their defaults:
//
//	table=<the endpoint's name>   the table
//	busy_timeout=10s              how long to wait for another process that writes to the same file
//
// # Sink
//
// The table is made if it is not there, with a column for each field of the row type; fields tagged partition or key are its
// primary key, in this order. A table that is there must have the same columns, with affinities that hold the fields' values,
// and the same primary key; one that the row type does not tag is the table's own.
//
//	bool                    BOOLEAN    0 or 1
//	ints, time.Duration     INTEGER    durations in nanoseconds; a uint64 beyond int64 is an error
//	floats                  REAL       NaN becomes NULL, as always in SQLite
//	string                  TEXT
//	[]byte, [N]byte         BLOB
//	time.Time               TIMESTAMP  text in UTC, 2006-01-02 15:04:05.000000; µs since 1970 where the column is an INTEGER
//	structs, lists, maps    TEXT       JSON
//
// With a primary key rows are upserted, and rows that are Deleted delete theirs; the last one of a batch counts. Without one
// rows are inserted.
//
// The rows of a batch and the marker that says so, a row of the table _tidemill, are one transaction with synchronous=FULL,
// so that both survive a crash or neither does. A batch that was written before changes nothing and gives the same receipt. A
// write of an older epoch than the marker's is refused. A batch without rows is not marked. One partition writes at a time.
//
// # Source
//
// A table is read once, in the order of its primary key, and is then at its end. Plan scans what it hands out, and Read
// fails if it finds other rows: a table that changes while it is read is no replayable source. Columns are bound to the
// fields by name. NULL in a field that is no pointer, and a value of another kind, make a bad record.
package sqlite
