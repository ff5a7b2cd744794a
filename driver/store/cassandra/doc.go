// Package cassandra keeps checkpoints in a keyspace of Apache Cassandra (4.0 and
// newer), so that drivers and executors on any machine reach them.
//
//	import _ "github.com/tidemill/tidemill/driver/store/cassandra"
//
//	s, err := store.Open(ctx, "cassandra://h1,h2:9042/mill?replication=3", store.OpenOptions{Job: "ads"})
//
// The URL is cassandra://[user:password@]host[:9042][,host2]/keyspace[/name]; name
// is the checkpoint's, by default the job's: a keyspace holds many. Parameters, with
// their defaults:
//
//	replication=         3, or dc1:3,dc2:3: the keyspace is made so if it is missing; else that is an error
//	dc=                  the data centre that statements go to; default: that of the hosts
//	scope=cluster        QUORUM and SERIAL, right wherever drivers and executors run; dc: LOCAL_QUORUM and
//	                     LOCAL_SERIAL, for when all that open this checkpoint are in one data centre: all say the same
//	timeout=6s           for the answer to one statement
//	connect_timeout=5s   for each step of a connection
//	patience=30s         for one operation with all its attempts: as long as a driver waits for a cluster that is away
//	parallel=8           chunks of 512 KiB that are written at the same time
//	tls=false, ca=, cert=, key=, server_name=   as for endpoints; files that hold PEM
//
// # Contract
//
// It is that of [store.Store], and of [store.Fencer]. What a driver changes (the
// batch log, meta, tables, removals) is a conditional change (IF) of the folder's
// partition, on the condition that no newer epoch has fenced the folder. Paxos puts
// all changes of a partition in one order: a driver that was taken over cannot
// append, remove or replace anything, however late it wakes, and Check costs nothing.
// A Sync of the batch log is one round trip to the coordinator, which makes four
// to the replicas. Executors write segments of state into chunks, side by side
// and without conditions; a Sync is one round trip, whatever its size up to
// parallel chunks. Only the making of a segment is conditional.
//
// An answer that is lost says nothing. So every change carries a random token; it
// is looked for, at SERIAL, before the change is sent again. No row lives for a
// limited time, and no order rests on clocks: chunks are written once, with
// timestamps that count. The one exception is the heartbeat, on which no safety
// rests.
//
// Files are cut at multiples of 512 KiB, in partitions of 32 MiB. A file that is
// replaced stays for who reads it, until the next driver starts; one that is
// removed does not.
//
// # What it needs
//
// Three replicas survive the loss of one node; with one replica the checkpoint is
// gone with its node, and while it is away. Nodes that were away for more than three
// hours must be repaired before they come back, as in all of Cassandra, or deleted
// files may return as files that nobody names. Users need SELECT and MODIFY; who comes
// first also CREATE, for the tables tidemill_files, tidemill_chunks and
// tidemill_beats. Give the batch log small segments (16 MiB): each is in one
// partition, and all are in the same.
//
// # What it does not do
//
// It has no lock, so a driver that was killed is waited for until its beat has stood
// still (patience of package store). Bytes that were appended and not synced are
// not seen. A listing does not tell how long logs are. It does not verify what it
// reads: records and frames carry checksums of their own.
package cassandra
