// Package cells takes the columns of a row from gocql's Scan and puts them into the fields of a Go row, without the maps and reflection of gocql's own
// conversions:
//
//	var r cells.Row
//	r.Bind(binding)
//	for r.At = next(); iter.Scan(r.Into()...); r.At = next() {
//		if err := r.Fault(); err != nil { … }   // of this row: the scan goes on
//	}
//
// Strings of a row point into the page that they came in: gocql 1.7 reads each page into memory of its own and never writes to it again.
package cells
