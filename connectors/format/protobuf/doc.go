// Package protobuf decodes single Protobuf messages, as they stand in Kafka, into rows.
//
//	open, err := protobuf.Open(endpoint, "group", …)    // parameters of the connector itself
//	d := open()                                         // a format.Decoder; see package registry for Use and Check
//	err = d.DecodeRecord(value, "ads/3@4711", to)
//
// Parameters are those of package registry, format=protobuf, schema= (a file, .proto), registry= with its TLS, max_record=, time=, and
//
//	message=    full name of the message that a row is. With schema=: needed if the file has several at its top. With registry=, where
//	            each record says which message it is: any other makes a bad record; default: all are taken
//	import=     folder below which the imports of schema= are found; default: the folder of that file. Those of Google's that every
//	            compiler knows (google/protobuf/timestamp.proto, …) are always found
//
// Behind the header of a registry stands which message of the file a record is: the number of indexes, zigzag, and the indexes, from
// the top; a zero alone is the first message.
//
// Both proto2 and proto3 are read, and editions as far as the compiler knows them. Fields are bound by the names in the file, exactly,
// once a schema. A field of the row that the message lacks makes every record of that schema a bad one, unless it is a pointer; so does
// one of a type that does not fit. With schema= both are told when the endpoint opens. What is not wanted is passed over.
//
//	bool                       bool
//	int32 … sfixed64           ints (in their range), floats, time.Time in the unit of the parameter time, time.Duration in ns
//	float, double              floats
//	string                     string, []byte; if it reads as one: ints, floats, time.Time (RFC 3339 or a number), time.Duration
//	bytes                      []byte, [N]byte of just that length, string if it is valid UTF-8
//	enum                       string (the name of the value), ints (its number); a number without a name is no string
//	message                    struct
//	google.protobuf.Timestamp  time.Time, cut to µs
//	google.protobuf.Duration   time.Duration
//	google.protobuf.*Value     what the wrapped value fits into
//	repeated                   slice, [N]E of just N elements; packed or not
//	map                        map
//
// # What is missing
//
// A pointer is nil where a field that can be absent is absent: a message, what is optional, a member of a oneof. A field that is no
// pointer, or that cannot be absent (a plain one of proto3), has its default instead: zero, the enum's first value, what proto2 says in
// the file. A message has no default: absent, it makes a bad record, as a required field of proto2 does. Of a field that comes twice
// the last value counts, and messages are merged; of a oneof the last member counts.
//
// Strings of rows point into the record, everything else is copied. No length is trusted: what a record makes the decoder allocate is
// bounded by its own size. Strings must be valid UTF-8, also those of proto2.
//
// There are no groups (they are passed over, and cannot be bound), no extensions, no Any that is looked into, and no encoder.
package protobuf
