package kafka

import (
	"math/rand/v2"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Values of org.apache.kafka.common.utils.Utils.murmur2, computed with the Java client 4.3.1.
var murmurs = []struct {
	key  string
	hash int32
	of12 int32 // BuiltInPartitioner.partitionForKey(key, 12)
}{
	{"", 275646681, 9},
	{"21", -973932308, 0},
	{"foobar", -790332482, 6},
	{"a-little-bit-long-string", -985981536, 8},
	{"a-little-bit-longer-string", -1486304829, 11},
	{"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 5},
	{"abc", 479470107, 3},
	{"ünïcödé", 201421315, 7},
	{`["a",1]`, -1189330644, 8},
}

func TestMurmur2(t *testing.T) {
	for _, c := range murmurs {
		if got := int32(murmur2([]byte(c.key))); got != c.hash {
			t.Errorf("%q: got %d, want %d", c.key, got, c.hash)
		}
		if got := partitionOf([]byte(c.key), 12); got != c.of12 {
			t.Errorf("%q: partition %d, want %d", c.key, got, c.of12)
		}
	}
}

// TestPartitionOf compares with two other clients, over keys of all lengths and bytes.
func TestPartitionOf(t *testing.T) {
	franz := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	other := sarama.NewMurmur2Partitioner("t")
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		key := make([]byte, r.IntN(40))
		for i := range key {
			key[i] = byte(r.Uint32())
		}
		n := 1 + r.IntN(64)
		got := partitionOf(key, n)
		if want := franz.Partition(&kgo.Record{Key: key}, n); int(got) != want {
			t.Fatalf("%x of %d: got %d, franz-go says %d", key, n, got, want)
		}
		want, err := other.Partition(&sarama.ProducerMessage{Key: sarama.ByteEncoder(key)}, int32(n))
		if err != nil || got != want {
			t.Fatalf("%x of %d: got %d, sarama says %d, %v", key, n, got, want, err)
		}
	}
}

func TestPartitionOfRow(t *testing.T) {
	seen := map[int32]int{}
	for row := range int64(4 * stay) {
		p := partitionOfRow(7, 1, row, 4)
		if p != partitionOfRow(7, 1, row, 4) {
			t.Fatal("it depends on something else")
		}
		seen[p]++
	}
	for p := range int32(4) {
		if seen[p] != stay {
			t.Errorf("partition %d got %d rows of %d", p, seen[p], stay)
		}
	}
}
