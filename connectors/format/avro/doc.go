// Package avro decodes single records of Avro's binary encoding, as they stand in Kafka, into rows.
//
//	open, err := avro.Open(endpoint, "group", …)    // parameters of the connector itself
//	d := open()                                     // a format.Decoder; see package registry for Use and Check
//	err = d.DecodeRecord(value, "ads/3@4711", to)
//
// Parameters are those of package registry: format=avro, schema= (a file, .avsc), registry= with its TLS, max_record=, time=.
//
// The schema that a record was written with says what its bytes are; the row type says what of it is wanted. Fields are bound by
// their names, exactly (aliases do not count), once a schema, and what is not wanted is passed over without being decoded. A field of
// the row that the schema lacks makes every record of that schema a bad one, unless it is a pointer; so does one of a type that does
// not fit. With schema= both are told when the endpoint opens. Defaults in a schema are for readers that have one, and do not count.
//
//	boolean                 bool
//	int, long               ints (in their range), floats, time.Time in the unit of the parameter time, time.Duration in ns
//	float, double           floats
//	string                  string, []byte; if it reads as one: ints, floats, time.Time (RFC 3339 or a number), time.Duration
//	bytes, fixed            []byte, [N]byte of just that length, string if it is valid UTF-8
//	enum                    string (the symbol), ints (its number)
//	date, (local-)timestamp-millis, -micros, -nanos    time.Time in UTC, cut to µs; ints and floats: the number itself
//	time-millis, -micros    time.Duration since midnight; ints and floats: the number itself
//	decimal                 string with all digits of the scale, floats (the nearest), []byte (the unscaled number)
//	uuid                    string, [16]byte
//	record                  struct
//	array                   slice, [N]E of just N elements
//	map                     map; keys that are no strings are written as strings
//	null                    nil of a pointer; the empty slice, map or []byte
//	union                   what the branch at hand fits into; a record whose branch does not fit is a bad record
//
// Strings of rows point into the record, everything else is copied. A record must end where its schema ends. No length and no count is
// trusted: what a record makes the decoder allocate is bounded by its own size, and how deep it nests is bounded, too.
//
// There are no object container files, no single-object encoding, and no encoder.
package avro
