// Package asof reads the tables that a job's Cassandra sinks write as they were when one batch was committed, while the job goes on: for programs that show
// or export figures of several tables which have to agree.
//
//	session, err := cluster.CreateSession() // of github.com/gocql/gocql
//	o := asof.Options{Job: "ads", Sinks: []asof.Sink{
//		{Name: "views", Table: "analytics.views"},
//		{Name: "clicks", Table: "analytics.clicks", WrittenOnce: true},
//	}}
//	var views []View
//	var clicks []Click
//	err = asof.Read(ctx, session, o, func(s *asof.Snapshot) (err error) {
//		if views, err = s.Rows[View]("views", "WHERE campaign_id = ?", "c1"); err == nil {
//			clicks, err = s.Rows[Click]("clicks", "")
//		}
//		return err
//	}) // both slices are as of s.Batch()
//
// # How
//
// A sink writes all rows of batch n with one write time, ts(n)+1, in µs since 1970; deletes have ts(n). Once a batch is written, it says so in a row of
// tidemill_sinks, a table in its keyspace: last_batch and ts. Read reads these rows first. The oldest of the batches that they name is
// written completely in all tables: that is the snapshot's. Then it reads the tables, with the WRITETIME of the columns, and then tidemill_sinks again. A
// row whose columns are all from ts+1 or before is as it was.
//
// A row with a later column was written by a batch behind the snapshot's. Was it there before? Cassandra does not know any more, so:
//
//   - if the table's rows are written once (WrittenOnce), it was not, and it is left out: the first attempt is exact;
//   - otherwise Read waits for the next batch and tries again, by default ten times. Reading then begins just after a batch was committed, and succeeds
//     if no row that is read is overwritten before it has been read. If that never happens, Read refuses, with a *TornError that names the row: what it was is gone.
//
// Read the tables whose rows are overwritten first: what matters is that they are read before the next batch is written. Big tables whose rows change with every batch cannot be read whole: read a part of them by a WHERE, or have the job write rows once, with the batch's
// or the window's time in the key.
//
// # Limits
//
// Deleted rows leave no trace that CQL shows. A batch that was committed while the tables were read makes Read try again, unless all rows are written
// once, so its deletes do no harm. But the batch that is being written may have deleted rows already: of a table from which the job deletes rows, one can be missing which
// that batch deletes. If that matters, let the job write a mark in the row instead.
//
// Rows that others write have their own times: with later ones than the job's they count as overwritten. A column that is a collection in cells
// of its own has no single write time, and is not looked at; a row without any value outside its key has none either, which is an error. Sinks must write with
// a consistency that overlaps with the reader's: both LOCAL_QUORUM unless told otherwise.
package asof
