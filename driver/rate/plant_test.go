package rate

import (
	"math"
	"math/rand/v2"
	"time"
)

// plant is an engine and its source, as far as a controller can tell: batches are due at ticks, run one after the other, and take
// an overhead and a time a row.
type plant struct {
	interval time.Duration
	overhead time.Duration
	perRow   time.Duration
	planning time.Duration // of the sources, a batch
	arrivals float64       // rows per second; 0 = there are always more
	noise    float64       // of a batch's time: standard deviation, as a share
	busy     float64       // likewise, of what only makes batches longer: others on the machine
	seed     uint64

	// change is called before each batch, to change the plant or to delay that batch.
	change func(p *plant, batch int) (hiccup time.Duration)
}

// policy is what a plant runs under: Controller, or one that is made wrong for the test.
type policy interface {
	Start() State
	Limit(State) int64
	Next(State, Batch) State
}

// ran is one batch of a run.
type ran struct {
	limit, rows int64
	ticks       int64
	took        time.Duration // from its last tick to its commit
	batch       Batch
	state       State // after it
	waiting     int64 // rows that were left
	end         time.Duration
}

// run runs batches from a state on and returns what they did.
func (p plant) run(c policy, from State, batches int) []ran {
	r := rand.New(rand.NewPCG(p.seed, 7))
	s, now, tick := from, time.Duration(0), int64(0)
	waiting, arrived := 0.0, time.Duration(0)
	var out []ran
	for i := range batches {
		hiccup := time.Duration(0)
		if p.change != nil {
			hiccup = p.change(&p, i)
		}
		now = max(now, time.Duration(tick+1)*p.interval)
		due := int64(now / p.interval)
		b := Batch{Ticks: due - tick, Delay: now - time.Duration(due)*p.interval, Planning: p.planning}
		b.Time = time.Unix(0, 0).Add(time.Duration(due) * p.interval)
		tick = due
		waiting += p.arrivals * (now - arrived).Seconds()
		arrived = now
		limit := c.Limit(s)
		b.Rows = limit
		if p.arrivals > 0 {
			b.Rows = min(limit, int64(waiting))
			waiting -= float64(b.Rows)
		}
		b.Limited = b.Rows == limit
		noise := max(1+p.noise*r.NormFloat64(), 0.1) + math.Abs(p.busy*r.NormFloat64())
		b.Processing = time.Duration(float64(p.overhead+time.Duration(b.Rows)*p.perRow)*noise) + hiccup
		now += b.Planning + b.Processing
		s = c.Next(s, b)
		out = append(out, ran{limit, b.Rows, b.Ticks, now - time.Duration(due)*p.interval, b, s, int64(waiting), now})
	}
	return out
}

// speed is the rows per second from one batch on.
func speed(batches []ran) float64 {
	rows := int64(0)
	for _, b := range batches[1:] {
		rows += b.rows
	}
	return float64(rows) / (batches[len(batches)-1].end - batches[0].end).Seconds()
}
