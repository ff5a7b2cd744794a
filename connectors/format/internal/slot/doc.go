// Package slot writes values of a typed format, Avro or Protobuf, into the fields of rows at their offsets.
//
// A decoder asks once, when it sees a schema, for the setter of a field for what the schema says a value is, and calls it for each
// record. A setter is a function without reflection; nil says that such values do not fit into such a field at all:
//
//	set := slot.Int(&f, unit)                     // f is a codec.Field
//	err := set(unsafe.Add(row, f.Offset), 17)     // a *Misfit: out of the range of int8
//
// A setter is given the address of a value that is zero, never of a pointer: see New for fields that are pointers. Strings point
// into the bytes that they were set from, which must never be written again; everything else is a copy. The conversions are those
// of package format, as far as values have types there:
//
//	whole numbers   ints (in their range), floats, time.Time in a unit since 1970, time.Duration in nanoseconds
//	floats          floats
//	text            string (valid UTF-8), []byte; what reads as one: ints, floats, time.Time (RFC 3339 or a number), time.Duration
//	bytes           []byte, [N]byte of just that length, string (valid UTF-8)
//	truth           bool
//
// It knows no format, and it does not walk through schemas.
package slot
