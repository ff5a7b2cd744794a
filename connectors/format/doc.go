// Package format turns bytes into rows and rows into bytes: NDJSON, CSV and text lines.
//
// A connector fetches bytes and hands them over in runs of records; a Decoder finds the records, writes the fields that the
// job's row type has straight into rows of a dstream.Reader, at the offsets that the codec gives, and rejects what it cannot
// read. The bytes that it is given belong to the rows afterwards: their strings point into them.
//
//	open, err := format.Open(endpoint, "ended")  // "ended" is a parameter of the connector itself
//	d := open()                                  // one a goroutine
//	d.Start(nil)                                 // at the beginning of a file
//	n, records, err := d.Decode(buf, last, position, to)
//
// # What every format does
//
// Each record is delivered or rejected, never both, never neither, and a rejected record leaves no trace in the rows. Rows do
// not depend on how the bytes were cut into buffers, nor on what a decoder saw before. A record must be valid UTF-8 and at
// most max_record bytes long. Of a longer one the first max_record bytes are rejected and the rest is skipped. Lines end in \n
// or \r\n. A byte order mark is skipped at the beginning of a file, and makes a bad record anywhere else.
//
// # NDJSON
//
// A record is a line with one JSON object (RFC 8259); a row type that is one column is the value itself. Blank lines are no
// records. Names are matched exactly, unknown members are skipped but must be valid, and of equal names the last counts.
//
//	bool              true, false
//	ints              a whole number, or a string of one: 17, "17"; out of range is a bad record
//	floats            a number, a string of one, or "NaN", "Infinity", "-Infinity"
//	string            a string; half a surrogate pair becomes U+FFFD
//	[]byte, [N]byte   a string of base64 (standard alphabet, padded); exactly N bytes
//	time.Time         RFC 3339, or a number since 1970 as a number or a string, in the unit of the parameter time; cut to µs
//	time.Duration     a number of nanoseconds, a string of one, or Go's notation: "1m30s"
//	struct            an object
//	slice, [N]E       an array; of exactly N elements
//	map               an object; keys that are no strings are written as strings
//
// A pointer field may be missing or null. Any other field that is missing makes a bad record, and so does null, except that it
// is the empty slice, map or []byte.
//
// # CSV
//
// Records are those of RFC 4180, with any of a few separators. With header=true, the default, the first record of a file names
// its columns, which are bound by name, and a header that lacks a field makes every record of its file a bad one, with that as
// the reason. With header=false the columns are the fields of the row type in their order. Cells are read as strings of JSON
// are; structs, slices, arrays and maps are JSON in a cell. A cell with nothing in it, not even quotes, is null. A NUL byte
// makes a bad record, and empty lines are no records. A misplaced quote ends the record at the end of its line.
//
// # Text
//
// A row is a line, also an empty one; the row type is a string or a struct of one. A NUL byte makes a bad record.
//
// # Writing
//
// An Encoder writes the columns of a record in the same notation, so that what it wrote is read back as equal rows. It does not
// write files, and it does not know batches.
package format
