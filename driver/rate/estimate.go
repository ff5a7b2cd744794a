package rate

import (
	"fmt"
	"time"
)

// Gains weigh the parts of an [Estimate]. Spark's defaults (spark.streaming.backpressure.pid.*) are 1, 0.2, 0 and 100.
type Gains struct {
	P     float64 // of the difference between the rate and the speed of the last batch; ≥ 0
	I     float64 // of the rows that piled up while the batch was waiting to start; ≥ 0
	D     float64 // of the difference's change, per second; ≥ 0
	Least float64 // rate, rows per second; > 0
}

// Check says what is wrong with gains, or with the interval of the batches that they are used for.
func (g Gains) Check(interval time.Duration) error {
	switch {
	case interval <= 0:
		return fmt.Errorf("interval %v: it must be positive", interval)
	case !(g.P >= 0 && g.I >= 0 && g.D >= 0):
		return fmt.Errorf("gains %v, %v, %v: none may be negative", g.P, g.I, g.D)
	case !(g.Least > 0):
		return fmt.Errorf("least rate %v: it must be positive", g.Least)
	}
	return nil
}

// Sample is what an estimator is told of a batch.
type Sample struct {
	Time       time.Time     // of the batch; samples that are no later than the one before are passed over
	Rows       int64         // it had; samples without rows are passed over
	Processing time.Duration // of the batch; > 0, else the sample is passed over
	Delay      time.Duration // how long it waited for the ones before it
}

// Estimate is a rate in rows per second and what its next value depends on. The zero value knows nothing yet.
type Estimate struct {
	Rate  float64   `json:"rate"`
	Error float64   `json:"error,omitempty"` // rate − speed at the last sample
	Time  time.Time `json:"time,omitzero"`   // of the last sample
}

// Next is PIDRateEstimator.compute of Spark Streaming: for a batch of n rows with processing time P and scheduling delay S
//
//	speed = n/P,  error = rate − speed,  piled = S·speed/interval
//	rate' = max(rate − kp·error − ki·piled − kd·Δerror/Δt, least)
//
// ok tells that rate' is a new rate: not after a sample that was passed over, and not after the first, whose speed becomes the rate.
func (e Estimate) Next(g Gains, interval time.Duration, s Sample) (next Estimate, ok bool) {
	first := e.Rate == 0
	if !first && !s.Time.After(e.Time) || s.Rows <= 0 || s.Processing <= 0 {
		return e, false
	}
	speed := float64(s.Rows) / s.Processing.Seconds()
	if first {
		return Estimate{Rate: speed, Time: s.Time}, false
	}
	err := e.Rate - speed
	piled := s.Delay.Seconds() * speed / interval.Seconds()
	change := (err - e.Error) / s.Time.Sub(e.Time).Seconds()
	r := e.Rate - g.P*err - g.I*piled - g.D*change
	return Estimate{Rate: max(r, g.Least), Error: err, Time: s.Time}, true
}
