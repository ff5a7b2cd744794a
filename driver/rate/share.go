package rate

// Demand is what is known of a source after a batch.
type Demand struct {
	Given int64 // rows that the batch had of it
	Lag   int64 // rows that it has left for later, as far as it knows
	Limit int64 // rows that the batch could have of it; 0 = no limit
}

// Limited tells that the source had more than the batch was allowed to take, or gave so much of it that this is likely: sources
// count blank lines and headers, too.
func (d Demand) Limited() bool {
	return d.Lag > 0 || d.Limit > 0 && d.Given >= d.Limit-d.Limit/20
}

// reserve is the part of a limit, one in so many, that all sources share equally: one that had nothing and now has rows must be
// able to show it.
const reserve = 20

// Weights are the sources' parts of a limit of so many rows: what each has waiting. One that was limited and does not know its lag
// counts as having all the rows there can be. The sum is 1. If nothing is known, or total is 0, which is no limit, all are equal.
func Weights(total int64, sources []Demand) []float64 {
	out := make([]float64, len(sources))
	sum := 0.0
	for i, d := range sources {
		w := float64(d.Given) + float64(d.Lag)
		if d.Lag == 0 && d.Limited() {
			w = max(w, float64(total))
		}
		out[i] = w
		sum += w
	}
	n := float64(len(sources))
	for i, w := range out {
		switch {
		case n == 1:
			out[i] = 1
		case sum == 0 || total <= 0:
			out[i] = 1 / n
		default:
			out[i] = 1/(reserve*n) + (1-1.0/reserve)*w/sum
		}
	}
	return out
}

// Share divides a limit by weights. Each part is at least 1, so that no source stands still; beyond that they do not exceed the total.
// A total of 0 is no limit, for all.
func Share(total int64, weights []float64) []int64 {
	out := make([]int64, len(weights))
	if total <= 0 {
		return out
	}
	for i, w := range weights {
		out[i] = min(max(int64(float64(total)*w), 1), total)
	}
	return out
}
