package registry

import "unsafe"

// Schema is a schema as somebody wrote it.
type Schema struct {
	Name       string      // for messages: "schema id 17", or the path of its file
	File       string      // its path, empty if it is from a registry
	Text       string      // of Avro or Protobuf, as the format is
	References []Reference // what Text refers to, each behind those that it refers to itself; none of a file
}

// Reference is a schema that another one refers to.
type Reference struct {
	Name string // by which it refers to it: a path for Protobuf, the full name of a type for Avro
	Text string
}

// Compile makes the plan of a schema. Its error is the reason why no record of that schema can be decoded.
type Compile func(*Schema) (Plan, error)

// Plan decodes records of one schema. It is immutable and safe for concurrent use.
type Plan interface {
	// Decode sets the fields of row, which is zero, from a record, which must be all of payload. Strings point into payload. After
	// an error, the reason for which the record is a bad one, row is partly set.
	Decode(row unsafe.Pointer, payload []byte) error
}
