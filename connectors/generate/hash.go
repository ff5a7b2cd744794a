package generate

// Counter-based random numbers: number n of a seed is computed alone. The mixing function is that of SplitMix64 (Steele, Lea,
// Flood: Fast splittable pseudorandom number generators, 2014, with Stafford's variant 13 of the constants).

const golden = 0x9e3779b97f4a7c15

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// draw is number n of a seed.
func draw(seed uint64, n int64) uint64 { return mix(seed + (uint64(n)+1)*golden) }

// high and low are independent numbers below n, n ≤ 2³², made of the two halves of one draw. Their bias is below n/2³².
func high(h, n uint64) uint64 { return (h >> 32) * n >> 32 }
func low(h, n uint64) uint64  { return (h & 0xffffffff) * n >> 32 }

const hexDigits = "0123456789abcdef"

// uuid is a random UUID (RFC 9562 version 4) that two numbers decide.
func uuid(a, b uint64) string {
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	var out [36]byte
	at := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			out[at] = '-'
			at++
		}
		word, shift := a, 60-4*i
		if i >= 16 {
			word, shift = b, 124-4*i
		}
		out[at] = hexDigits[word>>shift&15]
		at++
	}
	return string(out[:])
}

// uuids returns n different UUIDs. what tells apart those that one seed makes.
func uuids(seed, what uint64, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = uuid(draw(mix(seed^what), int64(2*i)), draw(mix(seed^what), int64(2*i+1)))
	}
	return out
}
