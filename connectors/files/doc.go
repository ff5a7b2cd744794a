// Package files is a source that reads the files of a folder, and a sink that writes a folder of files exactly once.
//
//	files:///var/in?format=json     an absolute path
//	files:data/in                   a path relative to the working directory; so are files://data/in and files://./data/in
//	files:campaigns.csv             one file, for a table: bounded
//
// The parameters of the format stand in package format: format, max_record, time, sep, header.
//
// # Source
//
//	pattern=*         of the names of the files, as in a shell
//	bounded=false     true: the source is at its end once the files that its first batch found are read
//	split=67108864    bytes, at least, of the pieces in which one batch reads a large file at the same time
//	age=24h           see below
//
// A file appears by rename, with all its content, and does not change; names that begin with a dot or an underscore or end
// with .tmp are no files yet, and folders within the folder are not looked into. Each is read once, in the order of
// modification time and name. A file that does not fit into the limit of a batch is cut at the end of a record: a batch takes
// no more rows than its limit and at most one record more than its bytes.
//
// The offsets hold 8 bytes for each file that was read, is still in the folder and is younger than age before the newest file
// read. Older ones are taken as read; such a file that arrives later than that is an error that says so, where the system
// tells when a file arrived (Linux). So the offsets are bounded by the files of the last age: move files away, or lower it,
// where there are many. A name that has vanished may come back as another file.
//
// Splits are named after the folder, and their ranges count the bytes of all files as if they were one.
//
// Plan reads what it hands out, to find the records' ends and to keep a digest. Read fails if size, modification time or
// digest are not the planned ones: a range is read again with the same rows or with an error that names the file.
//
// # Sink
//
// Each partition of a batch becomes one file, <batch>-<partition>-<digest>.<extension>, written to _tmp, synced and renamed;
// Finish then writes _manifest/<batch>.json, which lists the files with their sizes and SHA-256. Who reads the files that the
// manifests list, and no others, sees each batch whole and once. A batch that is written again has the same names and the
// same manifest. A manifest of an older epoch than the newest one's is refused. A partition without rows has no file. A row
// that is Deleted is written with "_deleted": true in JSON, and is an error in other formats.
package files
