package rate

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func controller(t testing.TB, o Options, interval time.Duration) Controller {
	c, err := New(o, interval)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// goal is a property of a controller on a plant; it says what is wrong.
type goal struct {
	name  string
	check func(c policy, seed uint64) error
}

const second = time.Second

// goals are what the controller promises. Each is tried with many seeds, and each catches some wrong controller.
var goals = []goal{
	{"uses its part of the machine, holds its ticks and keeps still", steady},
	{"a step of the load, there and back", loadStep},
	{"rows that cost ten times as much", costStep},
	{"one slow batch", hiccup},
	{"a batch's own cost longer than the interval", overheadRules},
	{"a machine that others use too", busyMachine},
	{"tiny batches, then many rows", trickle},
	{"sources that take their time", slowSources},
	{"more than one interval's rows without a limit", blowUp},
}

func steady(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 20 * time.Millisecond, perRow: 500, noise: 0.05, seed: seed}
	all := p.run(c, c.Start(), 300)
	if all[0].limit != 100_000 {
		return fmt.Errorf("the first batch may take %d rows", all[0].limit)
	}
	all = all[20:]
	low, high, sum, over, took := all[0].state.Rate, all[0].state.Rate, 0.0, 0, time.Duration(0)
	for _, b := range all {
		low, high, sum = min(low, b.state.Rate), max(high, b.state.Rate), sum+b.state.Rate
		took += b.took
		if b.took > second {
			over++
		}
	}
	if mean := took / time.Duration(len(all)); mean < 850*time.Millisecond || mean > 950*time.Millisecond {
		return fmt.Errorf("batches take %v", mean)
	}
	if over > len(all)/16 { // 0.9 ± 5 %: two standard deviations
		return fmt.Errorf("%d of %d batches took longer than the interval", over, len(all))
	}
	if mean := sum / float64(len(all)); low < 0.8*mean || high > 1.2*mean {
		return fmt.Errorf("the rate goes from %.0f to %.0f rows/s", low, high)
	}
	return nil
}

// inTime says that from some batch on all were committed within their interval; slack is for noise.
func inTime(all []ran, slack float64) error {
	for i, b := range all {
		if b.took > time.Duration(slack*float64(second)) || b.ticks > 1 && i > 0 {
			return fmt.Errorf("batch %d after the settling took %v and stood for %d ticks", i, b.took, b.ticks)
		}
	}
	return nil
}

func loadStep(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 50 * time.Millisecond, perRow: 1000, arrivals: 200_000, noise: 0.02, seed: seed}
	p.change = func(p *plant, batch int) time.Duration {
		switch batch {
		case 30:
			p.arrivals *= 10
		case 60:
			p.arrivals /= 10
		}
		return 0
	}
	all := p.run(c, c.Start(), 120)
	for _, from := range []int{3, 35, 65} { // rows that pile up in the meantime are worked off under the limit
		if err := inTime(all[from:min(from+25, 120)], 1.02); err != nil {
			return fmt.Errorf("from batch %d: %w", from, err)
		}
	}
	if got := speed(all[40:60]); got < 800_000 {
		return fmt.Errorf("%.0f rows/s under load; 850,000 are possible", got)
	}
	if last := all[len(all)-1]; last.waiting > 0 {
		return fmt.Errorf("%d rows are left at the end", last.waiting)
	}
	return nil
}

func costStep(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 20 * time.Millisecond, perRow: 1000, noise: 0.02, seed: seed}
	p.change = func(p *plant, batch int) time.Duration {
		switch batch {
		case 30:
			p.perRow *= 10
		case 60:
			p.perRow /= 10
		}
		return 0
	}
	all := p.run(c, c.Start(), 90)
	if b := all[34].batch; b.Processing > second {
		return fmt.Errorf("the fifth batch takes %v for %d rows", b.Processing, b.Rows)
	}
	if err := inTime(all[37:60], 1.02); err != nil { // until then, they start late because of the ones before
		return err
	}
	if got := speed(all[66:90]); got < 800_000 {
		return fmt.Errorf("%.0f rows/s once they are cheap again; 880,000 are possible", got)
	}
	return nil
}

func hiccup(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 20 * time.Millisecond, perRow: 1000, noise: 0.02, seed: seed}
	p.change = func(_ *plant, batch int) time.Duration {
		if batch%20 == 19 {
			return time.Duration(1+batch/20) * 5 * second
		}
		return 0
	}
	all := p.run(c, c.Start(), 200)
	for i := 19; i+3 < len(all); i += 20 {
		before := float64(all[i].limit)
		if got := float64(all[i+1].limit); got < 0.49*before {
			return fmt.Errorf("after a hiccup the limit falls from %.0f to %.0f", before, got)
		}
		if got := float64(all[i+3].limit); got < 0.85*before {
			return fmt.Errorf("three batches after a hiccup the limit is %.0f; it was %.0f", got, before)
		}
	}
	return nil
}

func overheadRules(c policy, seed uint64) error {
	for _, ms := range []int{300, 600, 1500, 5000} {
		p := plant{interval: second, overhead: time.Duration(ms) * time.Millisecond, perRow: 1000, noise: 0.05, seed: seed}
		all := p.run(c, c.Start(), 150)
		if got := speed(all[100:]) * p.perRow.Seconds(); got < 0.5 {
			return fmt.Errorf("overhead %v: rows get %.2f of the time", p.overhead, got)
		}
		for _, b := range all[100:] {
			if most := max(1300*time.Millisecond, 5*p.overhead); b.batch.Processing > most {
				return fmt.Errorf("overhead %v: a batch of %d rows takes %v", p.overhead, b.rows, b.batch.Processing)
			}
		}
	}
	return nil
}

// busyMachine must not be taken for overhead: batches would become longer than the interval for nothing.
func busyMachine(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 100 * time.Millisecond, perRow: 1000, busy: 0.8, seed: seed}
	all := p.run(c, c.Start(), 300)[20:]
	over, took := 0, time.Duration(0)
	for _, b := range all {
		took += b.batch.Processing
		if b.batch.Processing > 1500*time.Millisecond {
			over++
		}
	}
	if mean := took / time.Duration(len(all)); mean > 1100*time.Millisecond || over > len(all)/5 {
		return fmt.Errorf("batches take %v; %d of %d more than 1.5 s", mean, over, len(all))
	}
	return nil
}

func trickle(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 200 * time.Millisecond, perRow: 1000, arrivals: 3, noise: 0.05, seed: seed}
	p.change = func(p *plant, batch int) time.Duration {
		if batch == 1000 {
			p.arrivals = 1e7
		}
		return 0
	}
	all := p.run(c, c.Start(), 1010)
	if got, first := all[1000].limit, all[0].limit; got < first {
		return fmt.Errorf("after a thousand tiny batches the limit is %d; at first it was %d", got, first)
	}
	if got := all[1009].rows; got < 600_000 {
		return fmt.Errorf("the tenth batch with enough rows has %d; 700,000 are possible", got)
	}
	return nil
}

func slowSources(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 20 * time.Millisecond, perRow: 1000, planning: 200 * time.Millisecond, noise: 0.02, seed: seed}
	all := p.run(c, c.Start(), 100)
	if err := inTime(all[30:], 1.02); err != nil {
		return err
	}
	if got := speed(all[50:]); got < 600_000 {
		return fmt.Errorf("%.0f rows/s; 680,000 are possible", got)
	}
	return nil
}

// blowUp has a limit that is far too high when rows get expensive: each batch that falls behind has more rows than the one before.
func blowUp(c policy, seed uint64) error {
	p := plant{interval: second, overhead: 10 * time.Millisecond, perRow: 100, arrivals: 1_000_000, noise: 0.02, seed: seed}
	p.change = func(p *plant, batch int) time.Duration {
		if batch == 30 {
			p.perRow *= 30
		}
		return 0
	}
	all := p.run(c, c.Start(), 60)
	for _, b := range all {
		if b.took > 20*second {
			return fmt.Errorf("a batch takes %v", b.took)
		}
	}
	return inTime(all[40:], 1.02)
}

func TestGoals(t *testing.T) {
	c := controller(t, Options{}, second)
	for _, g := range goals {
		t.Run(g.name, func(t *testing.T) {
			for seed := range uint64(50) {
				if err := g.check(c, seed); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

// sparkGains are Spark's defaults.
var sparkGains = Gains{P: 1, I: 0.2, Least: 100}

// spark is Spark's policy as it is: no limit for the first batch, no bounds, a least rate of 100 rows a second.
type spark struct{}

func (spark) Start() State { return State{} }

func (spark) Limit(s State) int64 {
	if s.Batches < 2 {
		return 10_000_000
	}
	return max(int64(s.Rate), 1)
}

func (spark) Next(s State, b Batch) State {
	if e, _ := s.Estimate.Next(sparkGains, second, Sample{b.Time, b.Rows, b.Processing, b.Delay}); e != s.Estimate {
		s.Estimate = e
		s.Batches++
	}
	return s
}

// broken is the controller with a part of it undone.
type broken struct {
	Controller
	limit func(Controller, State) int64
	next  func(Controller, State, Batch) State
}

func (c broken) Limit(s State) int64 {
	if c.limit != nil {
		return c.limit(c.Controller, s)
	}
	return c.Controller.Limit(s)
}

func (c broken) Next(s State, b Batch) State {
	if c.next != nil {
		return c.next(c.Controller, s, b)
	}
	return c.Controller.Next(s, b)
}

// TestGoalsCatchWrongControllers takes one idea at a time out of the controller: the goal that asks for it must fail.
func TestGoalsCatchWrongControllers(t *testing.T) {
	c := controller(t, Options{}, second)
	for _, w := range []struct {
		name   string
		policy policy
		fails  func(policy, uint64) error
	}{
		{"Spark's, at the start", spark{}, steady},
		{"Spark's, after a hiccup", spark{}, hiccup},
		{"Spark's, with an overhead", spark{}, overheadRules},
		{"never lowers", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			next.Rate = max(next.Rate, s.Rate)
			return next
		}}, costStep},
		{"lowers for tiny batches", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			next.Rate = float64(b.Rows) / b.Processing.Seconds()
			return next
		}}, trickle},
		{"raises by a tenth only", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			next.Rate = min(next.Rate, 1.1*s.Rate)
			return next
		}}, hiccup},
		{"follows noise, times three", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			next.Rate += 3 * (next.Rate - s.Rate)
			return next
		}}, steady},
		{"takes noise for overhead", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			next.Overhead = [3]time.Duration{b.Processing, b.Processing, b.Processing}
			return next
		}}, busyMachine},
		{"does not measure the overhead", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			next.Overhead = [3]time.Duration{}
			return next
		}}, overheadRules},
		{"does not see the sources' time", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			b.Planning = 0
			return c.Next(s, b)
		}}, slowSources},
		{"never lowers for batches that were not limited", broken{Controller: c, next: func(c Controller, s State, b Batch) State {
			next := c.Next(s, b)
			if !b.Limited {
				next.Rate = max(next.Rate, s.Rate)
			}
			return next
		}}, blowUp},
	} {
		t.Run(w.name, func(t *testing.T) {
			for seed := range uint64(50) {
				if err := w.fails(w.policy, seed); err != nil {
					t.Log(err)
					return
				}
			}
			t.Error("not caught")
		})
	}
}

// TestAnyBatch: whatever it is told, a controller gives a limit of at least 1 that changes by no more than a factor of two, and a
// state that survives the log.
func TestAnyBatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(24*time.Hour)).Draw(t, "interval"))
		c, err := New(Options{
			Initial: rapid.Float64Range(1e-3, 1e12).Draw(t, "initial"), Target: rapid.Float64Range(0.1, 1).Draw(t, "target"),
		}, interval)
		if err != nil {
			t.Fatal(err)
		}
		s := c.Start()
		long := rapid.Int64Range(-1, int64(100*time.Hour))
		for i := range rapid.IntRange(1, 40).Draw(t, "batches") {
			was := c.full(s)
			b := Batch{
				Time: time.Unix(int64(i), 0), Ticks: rapid.Int64Range(0, 1000).Draw(t, "ticks"),
				Rows:    rapid.OneOf(rapid.Int64Range(-1, 10), rapid.Int64Range(0, 1<<60)).Draw(t, "rows"),
				Limited: rapid.Bool().Draw(t, "limited"), Stalled: rapid.Bool().Draw(t, "stalled"),
				Delay: time.Duration(long.Draw(t, "delay")), Planning: time.Duration(long.Draw(t, "planning")),
				Processing: time.Duration(long.Draw(t, "processing")),
			}
			s = c.Next(s, b)
			if n := c.Limit(s); n < 1 {
				t.Fatalf("a limit of %d after %+v: %+v", n, b, s)
			}
			if now := c.full(s); b.Rows > 0 && b.Processing > 0 && now > 1 && (now < 0.499*was || was > 1 && now > 2.001*was) {
				t.Fatalf("from %v to %v after %+v: %+v", was, now, b, s)
			}
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var read State
			if err := json.Unmarshal(text, &read); err != nil || read.Rate != s.Rate || c.Limit(read) != c.Limit(s) {
				t.Fatalf("%+v became %+v in the log: %v", s, read, err)
			}
		}
	})
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Initial: -1}, {Target: 0.05}, {Target: 1.1}} {
		if _, err := New(o, second); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	if _, err := New(Options{}, 0); err == nil {
		t.Error("no interval is accepted")
	}
	if got := controller(t, Options{Initial: 500, Target: 0.5}, 100*time.Millisecond); got.Limit(got.Start()) != 50 {
		t.Errorf("the first batch may take %d rows", got.Limit(got.Start()))
	}
}
