// Package deadletter is a sink for records that no decoder could read: a folder of NDJSON files, for people and scripts.
//
//	deadletter:///var/dead     an absolute path
//	deadletter:data/dead       one relative to the working directory
//
// There are no parameters. Each line is a record:
//
//	{"source":"ads","position":"ads.ndjson:17","reason":"…","text":"…","base64":"…","batch":4}
//
// text is there if the bytes are valid UTF-8, base64 always. Each partition of a batch that has records becomes one file,
// <batch>-<partition>-e<epoch>.ndjson, which appears whole, after a sync. A batch that is written again replaces its files,
// also those of an older epoch, which in turn is refused once a newer one has written the batch: exactly once.
package deadletter
