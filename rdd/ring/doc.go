// Package ring is the arithmetic of placement: which token a key has, which key
// group a token falls into, which partition owns a key group, and which nodes of a
// Cassandra cluster hold it.
//
// All of it is pure and fixed for ever: the same key has the same token in every
// process and every release, and it is the token that Cassandra's
// Murmur3Partitioner gives the same partition key, so a row reduced on the node
// that owns its token is already where a Cassandra table will store it.
//
//	key bytes (AppendText, AppendBigint, …, Composite)
//	   → Murmur3 → Token (signed 64 bit)
//	   → Group(token, groups)               1 of 16 … 65,536 equal slices of token space
//	   → Partition(group, groups, parts)    contiguous runs of groups
//
//	   → Placement.Locate(token)            range → Holders, the replicas; KeyFor goes back from token to key
//
// Where a group lives is decided elsewhere, and a change of that moves groups without
// hashing anything again. A Placement is computed from the nodes and the replication
// that somebody has read: nothing here asks a cluster.
package ring
