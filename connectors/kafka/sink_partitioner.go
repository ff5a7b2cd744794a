package kafka

import "encoding/binary"

// partitionOf is the partition of n that a key goes to, the same as with Kafka's own clients (org.apache.kafka.clients.producer.internals.
// BuiltInPartitioner): murmur2 of the key's bytes, without its sign.
func partitionOf(key []byte, n int) int32 { return int32(murmur2(key)&0x7fffffff) % int32(n) }

// murmur2 is Austin Appleby's MurmurHash2 with the seed that org.apache.kafka.common.utils.Utils uses.
func murmur2(b []byte) uint32 {
	const m, seed = 0x5bd1e995, 0x9747b28c
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := binary.LittleEndian.Uint32(b) * m
		h = h*m ^ (k^k>>24)*m
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// stay is how many rows without a key go to one partition before the next has its turn, so that brokers get few large batches.
const stay = 500

// partitionOfRow is the partition of n for row number row of a part of a batch, which has no key. It depends on nothing else, so that a
// batch that is written again has its rows where they were.
func partitionOfRow(batch, part, row int64, n int) int32 {
	return int32(uint64(batch+part+row/stay) % uint64(n))
}
