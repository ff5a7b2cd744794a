// Package schema reads what Cassandra says about a table, compares it with a row type, and writes the statement that makes a table for one.
//
//	t, err := schema.Read(ctx, query, "analytics", "views")       // *MissingError: no such keyspace or table
//	b, err := schema.Bind(t, rows, schema.Write)                  // all that does not fit, at once
//	cql, err := schema.Create("analytics", "views", rows, schema.Options{})
//
// A session is needed only to ask, so it is a function: Of makes that of a *gocql.Session.
//
// # Columns and keys
//
// A field is the column of exactly its name: the col tag's, or else the Go field's. Names are quoted where CQL needs it, so that a field UserID
// without a tag is the column "UserID" and not userid.
//
// A table that is there decides what its key is. Fields tagged partition and key have to say the same, or nothing:
//
//	type View struct {
//		Campaign string    `col:"campaign,partition"`  // PRIMARY KEY ((campaign), window_start)
//		Start    time.Time `col:"window_start,key"`
//		Views    int64     `col:"views"`
//	}
//
// It does not follow the table: a column that is added, dropped or renamed while a program runs is not seen.
package schema
