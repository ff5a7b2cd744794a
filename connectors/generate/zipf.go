package generate

import "math"

// zipf draws i of 0 … n−1 with a probability that falls as 1/(i+1)^s, in constant time by Walker's alias method in Vose's form
// (A linear algorithm for generating random numbers with a given distribution, 1991).
type zipf struct {
	keep  []uint32 // of 2³²: how often cell i stands for itself
	alias []int32  // what it stands for otherwise
}

func newZipf(n int, s float64) *zipf {
	weight, sum := make([]float64, n), 0.0
	for i := range weight {
		weight[i] = math.Pow(float64(i+1), -s)
		sum += weight[i]
	}
	z := &zipf{make([]uint32, n), make([]int32, n)}
	var small, large []int
	for i := range weight {
		weight[i] *= float64(n) / sum
		z.alias[i] = int32(i)
		if weight[i] < 1 {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	z.pair(weight, small, large)
	return z
}

// pair fills each cell that weighs less than 1 from one that weighs more.
func (z *zipf) pair(weight []float64, small, large []int) {
	for len(small) > 0 && len(large) > 0 {
		l, g := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		z.keep[l], z.alias[l] = uint32(weight[l]*(1<<32-1)), int32(g)
		if weight[g] -= 1 - weight[l]; weight[g] < 1 {
			large, small = large[:len(large)-1], append(small, g)
		}
	}
	for _, i := range append(small, large...) {
		z.keep[i] = math.MaxUint32 // 1 but for rounding
	}
}

// pick turns a random number into an index.
func (z *zipf) pick(h uint64) int {
	i := high(h, uint64(len(z.keep)))
	if uint32(h) <= z.keep[i] {
		return int(i)
	}
	return int(z.alias[i])
}
