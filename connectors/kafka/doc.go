// Package kafka is a source that reads topics of Kafka, each record once, and a sink that writes one.
//
//	kafka://host:9092/ads?format=json                    one topic
//	kafka://b1:9092,b2:9092/ads,clicks                   several
//	kafka://host/?pattern=ads-.*                         all that match, and those that come later
//	kafka://user:password@host/ads?tls=true&sasl=scram-sha-256
//
// How brokers are reached (tls=, ca=, cert=, key=, server_name=, sasl=) stands in package broker. Brokers from Kafka 2.8 on are
// supported, with which topics have ids; it is tested with 4.3.
//
// # Source
//
//	format=              json, csv, text, bytes, avro or protobuf. Default: bytes for rows that are one []byte or that have a field tagged
//	                     kafka:"value", text for rows that are one string, json for all others. The parameters of json, csv and text
//	                     (max_record=, time=, sep=) stand in package format, those of avro and protobuf in package registry.
//	                     A record has no header, so the columns of csv are bound by position
//	start=earliest       where a job begins that has no offsets yet: earliest, latest, or a time (RFC 3339), which is the first record
//	                     of that time or later. Earliest, so that nothing is passed over because a start was late
//	start_offsets=       partition:offset,… of one topic, for the same moment: 0:17,1:99. Partitions it does not name go by start=
//	pattern=             regular expression that the whole name of a topic has to match, instead of topics
//	isolation=committed  uncommitted: records of transactions that are open or were aborted are read too
//	metadata_refresh=30s how soon new topics and partitions are seen. They are read from their start
//	fetch_bytes=1048576  bytes that a broker is asked for at a time, 1 KiB to 64 MiB. A task has two answers in memory
//	split=100000         offsets of a partition from which on its part of a batch is cut, so that several tasks can read it
//	group=               consumer group that progress is published under, for tools that show lag; default
//	                     tidemill-<job>-<source>, none: nothing is published
//	bounded=false        true: the source is at its end once it has read what was there when it began
//
// A row type may have fields that do not come from the value of a record:
//
//	kafka:"key"          string, []byte, or *string, which is nil where there is no key
//	kafka:"timestamp"    time.Time, in UTC
//	kafka:"headers"      map[string]string or map[string][]byte; of headers of one name the last
//	kafka:"partition"    int32
//	kafka:"offset"       int64
//	kafka:"topic"        string
//	kafka:"tombstone"    bool: the record has no value; the fields that come from it are zero
//	kafka:"value"        string or []byte: the value as it is, with format=bytes
//
// A record without a value is a bad record, unless there is a field tagged tombstone, or the format is bytes. Bad records are named
// topic/partition@offset. Sources made in code are Read, with a decoder of one's own, and JSON.
//
// Splits are ranges of offsets, named topic/partition: the driver asks for the ends of all partitions at once and fixes the ranges in the
// plan; workers fetch them from the leaders, without a consumer group. A limit is shared out in proportion to what waits in each partition.
// A limit of rows counts offsets, of which a few belong to no record; one of bytes goes by the width of the records that come next.
//
// Records are those of the range that are there: compaction, aborted transactions and their markers leave holes. A range that is read
// again has the same records, with one exception: on a compacted topic some may have gone in between, so a batch that is run again
// may have fewer rows than the first time. Let min.compaction.lag.ms be longer than a job may stand still. What stays behind an open
// transaction comes when that ends; a note tells of one that has been open for a while.
//
// Leaders that move, brokers that go away, connections that break: Plan and Read wait and go on, as long as the job lets them, and say
// what they wait for. Of a partition that has no leader the others do not wait. Records that were deleted before they were read
// (retention, DeleteRecords), a topic that was deleted or made again (the offsets hold its id), and a log that was cut off by an
// unclean election are a *dstream.LossError, which names the ranges.
//
// The time that a job waits for a topic at its start is short: a topic that is not there is an error that names those with similar
// names. No topic is ever created by the source.
//
// It does not read the message formats of Kafka 0.10 and older, does not fetch from followers, and does not authenticate by Kerberos
// or OAuth.
//
// # Sink
//
//	format=                 json, csv, text or bytes. Default: bytes for rows whose value is one []byte or a field tagged kafka:"value", text
//	                        for rows that are one string, json for all others. A record's value is a line without its end; csv has no header
//	guarantee=exactly_once  at_least_once: no transactions. A batch that is run again is written again
//	compression=none        lz4, zstd, snappy or gzip: of batches of records, at about a fifth more processor time with lz4
//	transaction_timeout=1m  after how long brokers give up a transaction whose writer is gone; theirs is the upper bound
//	                        (transaction.max.timeout.ms, 15 minutes)
//	one_transaction=false   true: one partition of the job writes all rows of a batch, in one transaction
//	key_column=             a column of the value that is the key too
//
// The tags of a source's row type mean the same here, so that the rows of a source can be written as they are: key, headers, partition,
// timestamp, tombstone and value; topic and offset are ignored. Fields with such a tag are not part of the value. Keys may be strings, bytes,
// integers, booleans, times and durations, and are written as text. Without a tag the fields tagged partition or key, as in col:"ad,key",
// make the key: the text of one, a JSON array of several; these stay part of the value. Rows that are Deleted become tombstones, a key
// without a value. They need a key, and so do all rows of a compacted topic.
//
// A record goes to the partition that its row names, else to that of its key, by murmur2 as with Kafka's own clients, else to one that
// only the number of the row decides. Its time is that of its field, if it has one later than 1970, else the batch's.
//
// Exactly once holds for readers that are read-committed, which is not the default of Kafka's consumers (isolation.level). Each partition
// of a batch is one transaction, which also holds a marker of the write: an offset of the consumer group job/sink/partition, which is the
// transactional id too. Readers see all rows of a partition of a batch or none of them; a batch becomes visible partition by partition,
// with one_transaction=true as a whole. A write that was made before changes nothing. A write of an older epoch is refused with a
// *FencedError. A part of a batch that has no rows makes no transaction, except for the first of a run, which takes the id over.
//
// Users need the rights Write, Describe and Read on the topic, Write and Describe on transactional ids that begin with the job's name, and
// Read on groups that do. Markers expire as group offsets do (offsets.retention.minutes, 7 days): a job that was stopped within a batch should go on before.
//
// Brokers that are away are waited for, as long as the job lets them. A record that is larger than the topic takes (max.message.bytes), a
// missing right, a topic that is not there when the job starts, or markers of a job with a newer clock are errors that end it.
//
// Rows of a write are kept in memory up to 16 MiB, and sent when all are there, so that transactions are short; of larger ones each 16
// MiB are sent as they come. The sink creates no topic, and does not write avro or protobuf.
package kafka
