package ring

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slow is Murmur3 read off the definition, a byte at a time.
func slow(key []byte) Token {
	if len(key) == 0 {
		return math.MinInt64
	}
	var h [2]uint64
	mult := [2]uint64{c1, c2}
	mix := func(half int, k uint64) {
		h[half] ^= bits.RotateLeft64(k*mult[half], 31+2*half) * mult[1-half]
	}
	blocks := len(key) / 16
	for b := range blocks {
		var k [2]uint64
		for i := range 16 {
			k[i/8] += uint64(key[16*b+i]) << (i % 8 * 8)
		}
		mix(0, k[0])
		h[0] = bits.RotateLeft64(h[0], 27) + h[1]
		h[0] = h[0]*5 + 0x52dce729
		mix(1, k[1])
		h[1] = bits.RotateLeft64(h[1], 31) + h[0]
		h[1] = h[1]*5 + 0x38495ab5
	}
	var k [2]uint64
	for i := 16 * blocks; i < len(key); i++ {
		k[i%16/8] ^= uint64(int64(int8(key[i])) << (i % 8 * 8))
	}
	mix(1, k[1])
	mix(0, k[0])
	h[0] ^= uint64(len(key))
	h[1] ^= uint64(len(key))
	h[0] += h[1]
	h[1] += h[0]
	h[0] = finish(h[0]) + finish(h[1])
	if int64(h[0]) == math.MinInt64 {
		return math.MaxInt64
	}
	return Token(h[0])
}

func FuzzMurmur3(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("\xff\x00\x80\x7f\xfe\x01\x81\xc0"))
	f.Add([]byte(strings.Repeat("\xe4\xb8\xad", 11)))
	f.Fuzz(func(t *testing.T, key []byte) {
		if got, want := Murmur3(key), slow(key); got != want {
			t.Fatalf("token of %x is %d, want %d", key, got, want)
		}
	})
}

func TestMurmur3(t *testing.T) {
	for key, want := range map[string]Token{
		"": math.MinInt64, "a": -8839064797231613815, "hello": -3758069500696749310,
		"Scale": 6941900110055356180, "ünïcödé": 5863313100910821637,
	} {
		if got := Murmur3([]byte(key)); got != want {
			t.Errorf("token of %q is %d, want %d", key, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "key")
		if got, want := Murmur3(key), slow(key); got != want {
			t.Fatalf("token of %x is %d, want %d", key, got, want)
		}
	})
}

func TestAllocations(t *testing.T) {
	buf := make([]byte, 0, 64)
	var sum Token
	if n := testing.AllocsPerRun(100, func() {
		k := Composite{Key: buf[:0]}
		k.Start()
		k.Key = AppendText(k.Key, "campaign")
		k.End()
		k.Start()
		k.Key = AppendBigint(k.Key, 42)
		k.End()
		sum += Murmur3(k.Key)
	}); n != 0 {
		t.Errorf("%v allocations a key", n)
	}
	_ = sum
}

func TestGroup(t *testing.T) {
	const lowest, highest = Token(math.MinInt64), Token(math.MaxInt64)
	for groups := MinGroups; groups <= MaxGroups; groups *= 2 {
		width := Token(math.MaxUint64/uint64(groups) + 1)
		if Group(lowest, groups) != 0 || Group(highest, groups) != groups-1 || Group(0, groups) != groups/2 {
			t.Errorf("%d groups: ends or middle wrong", groups)
		}
		for g := range groups {
			from := lowest + Token(g)*width
			if Group(from, groups) != g || Group(from+width-1, groups) != g {
				t.Fatalf("group %d of %d is not [%d, %d]", g, groups, from, from+width-1)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := Token(rapid.Int64().Draw(t, "a")), Token(rapid.Int64().Draw(t, "b"))
		groups := 1 << rapid.IntRange(4, 16).Draw(t, "log groups")
		if Group(min(a, b), groups) > Group(max(a, b), groups) {
			t.Fatal("not monotone")
		}
	})
}

func TestPartition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := 1 << rapid.IntRange(4, 16).Draw(t, "log groups")
		parts := rapid.IntRange(1, 3*groups).Draw(t, "partitions")
		count, last := make([]int, parts), 0
		for g := range groups {
			p := Partition(g, groups, parts)
			if p < last {
				t.Fatalf("group %d in partition %d after %d", g, p, last)
			}
			count[p]++
			last = p
		}
		for p, n := range count {
			if n != groups/parts && n != (groups+parts-1)/parts {
				t.Fatalf("partition %d of %d owns %d of %d groups", p, parts, n, groups)
			}
		}
	})
}

func TestGroupsFor(t *testing.T) {
	for ranges, want := range map[int]int{-1: 1024, 0: 1024, 1: 16, 2: 32, 3: 64, 64: 1024, 65: 2048, 256: 4096, 4095: 65536, 4096: 65536, 1 << 40: 65536} {
		got := GroupsFor(ranges)
		if got != want || CheckGroups(got) != nil {
			t.Errorf("%d ranges: %d groups, want %d", ranges, got, want)
		}
	}
	for _, bad := range []int{-16, 0, 1, 8, 17, 1000, 131072} {
		if CheckGroups(bad) == nil {
			t.Errorf("%d groups accepted", bad)
		}
	}
}

func BenchmarkMurmur3(b *testing.B) {
	for _, n := range []int{5, 8, 16, 36, 50} {
		key := []byte(strings.Repeat("é", 25))[:n]
		b.Run(fmt.Sprint(n, "bytes"), func(b *testing.B) {
			var sum Token
			for b.Loop() {
				sum += Murmur3(key)
			}
			_ = sum
		})
	}
}
