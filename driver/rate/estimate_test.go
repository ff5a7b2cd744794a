package rate

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// vector is a case of Spark's PIDRateEstimatorSuite, or one derived from its formula. A sample is time, rows, processing time,
// scheduling delay, in ms.
type vector struct {
	ID, Op string
	Params struct {
		Interval int64   `json:"batch_ms"`
		P        float64 `json:"kp"`
		I        float64 `json:"ki"`
		D        float64 `json:"kd"`
		Least    float64 `json:"min_rate"`
		Steps    int64
	}
	Input    [][]float64
	Expected json.RawMessage
}

func TestSparkVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/pid.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		t.Run(v.ID, func(t *testing.T) {
			switch v.Op {
			case "pid_rate_estimator":
				v.follow(t)
			case "pid_rate_estimator_validation":
				v.refuse(t)
			case "pid_rate_estimator_property":
				v.stayBelow(t)
			default:
				t.Fatalf("unknown operation %q", v.Op)
			}
		})
	}
}

func (v vector) gains() (Gains, time.Duration) {
	return Gains{v.Params.P, v.Params.I, v.Params.D, v.Params.Least}, time.Duration(v.Params.Interval) * time.Millisecond
}

func sampleOf(time0, rows, processing, delay int64) Sample {
	return Sample{time.UnixMilli(time0), rows, time.Duration(processing) * time.Millisecond, time.Duration(delay) * time.Millisecond}
}

func (v vector) follow(t *testing.T) {
	var want []*float64
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		t.Fatal(err)
	}
	g, interval := v.gains()
	e := Estimate{}
	for i, in := range v.Input {
		next, ok := e.Next(g, interval, sampleOf(int64(in[0]), int64(in[1]), int64(in[2]), int64(in[3])))
		if ok != (want[i] != nil) || ok && math.Abs(next.Rate-*want[i]) > 1e-6*next.Rate {
			t.Fatalf("step %d: rate %v, new %v", i, next.Rate, ok)
		}
		e = next
	}
}

func (v vector) refuse(t *testing.T) {
	for _, in := range v.Input {
		if err := (Gains{in[1], in[2], in[3], in[4]}).Check(time.Duration(in[0]) * time.Millisecond); err == nil {
			t.Errorf("%v is accepted", in)
		}
	}
}

func (v vector) stayBelow(t *testing.T) {
	g, interval := v.gains()
	r, e := rand.New(rand.NewPCG(1, 1)), Estimate{}
	for i := range v.Params.Steps {
		rows := 1000 + r.Int64N(1000)
		next, ok := e.Next(g, interval, sampleOf(20*i, rows, 20, 1+r.Int64N(19)))
		if ok != (i > 0) {
			t.Fatalf("step %d: new %v", i, ok)
		}
		if speed := float64(rows) / 0.020; ok && !(next.Rate >= g.Least && next.Rate < speed) {
			t.Fatalf("step %d: rate %v, speed %v", i, next.Rate, speed)
		}
		e = next
	}
}

func TestDerivativeWorksAgainstChange(t *testing.T) {
	g, e := Gains{P: 1, D: 0.1, Least: 1}, Estimate{Rate: 1000, Error: 0, Time: time.UnixMilli(0)}
	// Error 500, in one second: 1000 − 500 − 0.1·500.
	if next, ok := e.Next(g, time.Second, sampleOf(1000, 500, 1000, 0)); !ok || next.Rate != 450 || next.Error != 500 {
		t.Errorf("%+v", next)
	}
}
