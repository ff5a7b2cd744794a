// Package registry is what the formats whose records need a schema have in common, Avro and Protobuf: where a schema comes from,
// how a record says which one it was written with, and what becomes of a record whose schema does not help.
//
//	o, err := registry.Parse(endpoint, "avro", nil, own)
//	open, err := o.Open("AVRO", compile)     // compile makes a Plan of a Schema, once each
//	d := open()                              // one a goroutine; a format.Decoder, and:
//	d.(registry.User).Use(ctx)               // what waiting for the registry ends with, and who is told
//	d.(registry.Checker).Check(ctx)          // at open: is the password right, is it a registry
//
// # Parameters
//
//	schema=         file with the schema of all records. Values are bare; with registry= given too they begin with the header, whose
//	                id is passed over: the registry is not asked, and records must have been written with just this schema
//	registry=       address of a schema registry, http(s)://[user:password@]host[:port][/path], encoded for a URL. Values begin with
//	                the header, and each is decoded by the schema that it names
//	registry_ca=    file with the certificates (PEM) of the authorities to trust; default: those of the system
//	registry_cert=, registry_key=   files with the certificate and key (PEM) that we show who we are with; both or none
//	max_record=     the most bytes of one record, as 65536, 64KiB or 2MiB; default 1MiB
//	time=           the unit of times that are bare numbers: s, ms, us or ns; default ms
//
// # The header
//
// A zero byte and the id of the schema, four bytes, the highest first; then what the format writes. It is the one that the
// serializers of Confluent's registry write and others read. A value without it is a bad record.
//
// # The registry
//
// It is asked with GET /schemas/ids/{id} and, for what a schema refers to, GET /subjects/{subject}/versions/{version}, once an id
// for all decoders of an endpoint, which keep up to 10,000 of them. Answers are bounded in size, references in depth and number.
// An id that it says it does not have (404, codes 404xx), a schema of another format and one that the row type does not fit make
// bad records, with that as the reason; an unknown id is asked for again after a minute. A registry that is away (no connection,
// 408, 429, 5xx) is no fault of a record: decoding waits with a growing pause, tells dstream.Waiting, and goes on until the
// context of Use ends; without Use it gives up after four attempts. Every other answer, as 401, is a permanent error.
//
// It registers no schemas, checks no compatibility and keeps no files.
package registry
