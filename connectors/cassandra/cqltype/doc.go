// Package cqltype knows Cassandra's types: it parses them, says which hold which Go fields, and turns columns into their bytes and bytes into
// rows, as version 4 of the native protocol has them (native_protocol_v4.spec §6).
//
//	t, err := cqltype.Parse("map<text, frozen<list<int>>>", nil)
//	put, err := cqltype.NewEncoder(t, &c.Fields[3])          // err: the type does not hold every value of the field
//	out, null, err := put(buf, rec.Column(3), row)           // err: this value cannot be written
//	get, err := cqltype.NewDecoder(t, &c.Fields[3])
//	err = get(bytes, row)                                    // sets the field of the row
//
// # Which type holds which field
//
//	boolean                          bool
//	tinyint, smallint, int, bigint   integers that always fit; bigint also uint64 (an error for a value beyond 2⁶³−1),
//	                                 time.Duration (ns) and time.Time (µs since 1970)
//	varint                           all integers; string, in decimal digits
//	float                            float32
//	double                           float64, float32
//	decimal                          string, as "-12.50", "1E+3"
//	text, varchar, ascii             string, of valid UTF-8 or ASCII
//	blob                             []byte, [N]byte, in N bytes exactly
//	timestamp                        time.Time, cut to milliseconds; where microseconds matter, take bigint
//	date                             time.Time, its day in UTC; reads as midnight UTC
//	time                             time.Duration, of at least 0 and less than 24 h
//	duration                         time.Duration; durations with months or days cannot be read
//	uuid, timeuuid                   [16]byte; string, as 8-4-4-4-12 digits; a timeuuid has version 1
//	inet                             [4]byte, [16]byte; string, as "10.0.0.7"
//	list, set                        []T, [N]T; a set reads back sorted, with equal elements once
//	map                              map[K]V
//	tuple                            a struct with as many fields, in their order
//	user-defined type                a struct whose fields all have a part of their name; parts without a field are null, and are skipped
//	counter                          integers, to be read only
//
// Reading is wider: an integer goes into any integer field, a double into a float32; a value that does not fit is an error then. So is null
// in a field that is no pointer, except that null is an empty slice or map, because Cassandra keeps empty collections as null.
//
// There is none for vectors, whose bytes protocol version 4 has no form for, and for custom types.
package cqltype
