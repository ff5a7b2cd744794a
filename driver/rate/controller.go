package rate

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Options of a controller.
type Options struct {
	Off     bool    // no limit but the caps
	Initial float64 // rows per second of the first batch; default 100,000. Too high, and the first batch is long
	Target  float64 // share of the interval that a batch may take, 0.1 to 1; default 0.9. What is left absorbs noise
}

func (o Options) withDefaults() (Options, error) {
	if o.Initial == 0 {
		o.Initial = 100_000
	}
	if o.Target == 0 {
		o.Target = 0.9
	}
	if !(o.Initial > 0) || math.IsInf(o.Initial, 0) {
		return o, fmt.Errorf("initial rate %v: want rows per second, more than 0", o.Initial)
	}
	if !(o.Target >= 0.1 && o.Target <= 1) {
		return o, fmt.Errorf("rate target %v: want a share of the interval from 0.1 to 1", o.Target)
	}
	return o, nil
}

// Batch is what a committed batch tells the controller. All of it stands in the batch's COMMIT.
type Batch struct {
	Time       time.Time     `json:"time"`               // nominal
	Ticks      int64         `json:"ticks"`              // that it stood for
	Rows       int64         `json:"rows"`               // fetched
	Limited    bool          `json:"limited,omitempty"`  // a source had more, or gave as much as it was allowed to
	Stalled    bool          `json:"stalled,omitempty"`  // a source did not answer in time: Planning was waiting, not work
	Delay      time.Duration `json:"delay,omitempty"`    // ns from its tick to the first question to a source
	Planning   time.Duration `json:"planning,omitempty"` // ns from there until all sources had answered
	Processing time.Duration `json:"processing"`         // ns from there until it was committed
}

// State is all that a controller knows.
type State struct {
	Estimate                  // in rows per second of processing time
	Overhead [3]time.Duration `json:"overhead"`           // ns of a batch that have nothing to do with its rows: the last measurements
	Planning time.Duration    `json:"planning,omitempty"` // ns that sources take to answer, smoothed
	Late     time.Duration    `json:"late,omitempty"`     // ns that the next batch has less, since it starts after its tick
	Rows     int64            `json:"rows,omitempty"`     // of the batch that the next one of another size is compared with
	Took     time.Duration    `json:"took,omitempty"`     // ns, its processing time
	Batches  int64            `json:"batches"`            // taken into account
}

// Controller is the policy. The zero value is not usable; see [New].
type Controller struct {
	o        Options
	interval time.Duration
}

// New makes a controller for batches of an interval. The error names the option that is wrong.
func New(o Options, interval time.Duration) (Controller, error) {
	o, err := o.withDefaults()
	if err == nil {
		err = gainsFor(0).Check(interval)
	}
	return Controller{o, interval}, err
}

// Start is the state before the first batch.
func (c Controller) Start() State {
	return State{Estimate: Estimate{Rate: c.o.Initial / c.o.Target}}
}

const (
	quiet      = 0.3     // gain for small deviations of a batch's time: noise of ±5 % in it becomes ±2 % in the limit
	small      = 0.15    // deviation up to which that is so: three times the noise that is usual
	large      = 0.25    // deviation from which on the limit follows at once
	amortise   = 3       // times the overhead that a batch is long at least
	probeEvery = 8       // batches between two that measure the overhead, where it is large
	maxRows    = 1 << 50 // keeps a limit within an int64 and exact in a float64
)

// Next is the state after a batch. The limit that follows from it is at most twice the one before, and at least half of it, but for
// what a late start takes off one of them.
func (c Controller) Next(s State, b Batch) State {
	next := s
	if !b.Stalled {
		next.Planning += (min(max(b.Planning, 0), c.target()) - s.Planning) / 8
	}
	next.Late = 0
	if b.Rows > 0 && b.Processing > 0 { // an empty batch leaves out work that others cannot
		next.Batches++
		next.measure(b)
		next.Estimate = c.estimate(s, next, b)
	}
	if span := c.span(next); span <= c.target() { // else ticks cannot be held
		// A limit that has been halved already is not halved again.
		least := time.Duration(c.full(s) / 2 / next.Rate * float64(time.Second))
		next.Late = max(min(c.late(b), span/2, span-least), 0)
	}
	return next
}

// gainsFor are the gains for a batch whose time was off by a share. The integral part has no say: a batch that starts late gets less
// time instead, which sets it right at once and leaves the rate alone.
func gainsFor(off float64) Gains {
	return Gains{P: min(quiet+(1-quiet)*max(off-small, 0)/(large-small), 1), Least: math.SmallestNonzeroFloat64}
}

// estimate is the rate after a batch.
func (c Controller) estimate(s, next State, b Batch) Estimate {
	span := c.span(s)
	off := math.Abs(float64(b.Processing)/float64(span) - 1)
	e, ok := s.Estimate.Next(gainsFor(off), span, Sample{b.Time, b.Rows, b.Processing, b.Delay})
	if !ok {
		return s.Estimate
	}
	if e.Rate < s.Rate && !c.mayLower(b, span) {
		e.Rate = s.Rate
	}
	was, to := c.full(s), c.span(next).Seconds()
	e.Rate = min(max(e.Rate*to, was/2, 1), was*2, maxRows) / to
	return e
}

// mayLower tells whether a batch is a reason to take fewer rows. One that kept its time is none, however slow its rows were: it had
// few, and the cost of a batch was spread over those. One that took longer is, if the limit made it so large; else only if the
// engine fell behind by it, since a batch that stands for several ticks may take as long as they did.
func (c Controller) mayLower(b Batch, span time.Duration) bool {
	return b.Processing > span && (b.Limited || b.Processing > time.Duration(max(b.Ticks, 1))*c.interval)
}

// late is how long after its tick the next batch starts: at once, if a tick has passed since this one's.
func (c Controller) late(b Batch) time.Duration {
	if d := b.Delay + b.Planning + b.Processing; d >= c.interval {
		return d % c.interval
	}
	return 0
}

// Limit is the most rows of the next batch, at least 1.
func (c Controller) Limit(s State) int64 {
	n := s.Rate * (c.span(s) - s.Late).Seconds()
	if 2*amortise*s.overhead() > c.target() && s.Batches%probeEvery == 0 {
		n /= 4 // far enough from the others that the difference in time says what a row costs
	}
	return int64(min(max(n, 1), maxRows))
}

// full is the limit of a batch that starts in time and is no probe.
func (c Controller) full(s State) float64 { return min(s.Rate*c.span(s).Seconds(), maxRows) }

// target is the part of the interval that batches may take.
func (c Controller) target() time.Duration {
	return time.Duration(c.o.Target * float64(c.interval))
}

// span is how long processing the next batch may take: what the sources leave of the target, but so long that two thirds
// of it are for rows. A source that has more than the limit lets through falls behind: throughput then counts more than a tick.
func (c Controller) span(s State) time.Duration {
	t := c.target()
	return max(t-min(s.Planning, t/2), amortise*s.overhead(), 1)
}

// overhead is the median of the last measurements, so that a single wrong one has no effect. The least of them would stall a job whose
// overhead is long and whose machine is busy with other things: then some measurements are 0.
func (s State) overhead() time.Duration {
	o := s.Overhead
	slices.Sort(o[:])
	return o[1]
}

// measure compares the batch with an earlier one of half its rows or fewer, or the other way round: what twice the rows do not make
// longer is overhead.
func (s *State) measure(b Batch) {
	few, short, many, long := b.Rows, b.Processing, s.Rows, s.Took
	if few > many {
		few, short, many, long = many, long, few, short
	}
	o := time.Duration(-1)
	switch {
	case few > 0 && many/2 >= few:
		perRow := max(float64(long-short), 0) / float64(many-few)
		o = min(max(short-time.Duration(perRow*float64(few)), 0), long)
	case many == 1:
		o = b.Processing // there is no smaller batch to compare it with
	}
	switch {
	case o < 0 && s.Rows > 0:
		return
	case o >= 0 && s.Overhead == [3]time.Duration{}:
		s.Overhead = [3]time.Duration{o, o, o}
	case o >= 0:
		s.Overhead = [3]time.Duration{s.Overhead[1], s.Overhead[2], o}
	}
	s.Rows, s.Took = b.Rows, b.Processing
}
