package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/ledger"
)

// tally sums up runs.
type tally struct {
	runs, failed, kills, inside, struck, stops, zombies, cuts int
	planned, done                                             int // faults
	verdict                                                   ledger.Verdict
	free, held                                                []time.Duration // recoveries, in ascending order
}

func (t *tally) add(r *Report) {
	t.runs++
	if !r.good() {
		t.failed++
	}
	t.planned += len(r.Plan.Schedule.Faults)
	t.done += len(r.Deeds)
	for _, d := range r.Deeds {
		t.kills, t.stops, t.zombies, t.cuts = t.kills+d.Kills, t.stops+d.Stops, t.zombies+d.Zombies, t.cuts+len(d.Fault.Cuts)
		if d.Kills > 0 {
			t.struck++
			if d.Inside {
				t.inside += d.Kills
			}
		}
	}
	t.verdict.Add(r.Verdict)
	free, held := recoveries(r.Deeds)
	t.free, t.held = append(t.free, free...), append(t.held, held...)
	slices.Sort(t.free)
	slices.Sort(t.held)
}

// share is that of kills between PLAN and COMMIT, in percent.
func (t *tally) share() int { return 100 * t.inside / max(t.kills, 1) }

// enough is how many kills make a share of them say something.
const enough = 10

// complaints say why the runs together are no success.
func (t *tally) complaints() (out []string) {
	if t.failed > 0 {
		out = append(out, fmt.Sprintf("%d of %d runs failed", t.failed, t.runs))
	}
	if t.kills >= enough && t.share() < 50 {
		out = append(out, fmt.Sprintf("only %d %% of the kills fell between PLAN and COMMIT: half of them should", t.share()))
	}
	return out
}

// line says what became of a run.
func line(at, of int, r *Report) string {
	var one tally
	one.add(r)
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{one.kills, "kills"}, {one.inside, "of them between PLAN and COMMIT"}, {one.stops, "stops"}, {one.zombies, "zombies"}, {one.cuts, "cuts"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if r.Plan.Schedule.Standby {
		parts = append(parts, "a standby")
	}
	if r.Plan.Schedule.Frames != "" {
		parts = append(parts, "bad wires")
	}
	if len(one.free) > 0 {
		parts = append(parts, fmt.Sprintf("slowest recovery %v", quantile(one.free, 1).Round(time.Millisecond)))
	}
	end := "ok"
	if !r.good() {
		end = "FAILED"
	}
	return fmt.Sprintf("crash: %s (%d of %d): %s in %.1f s, %d batches: %s", r.Plan.Name, at, of, end, r.Took.Seconds(), len(r.Commits), strings.Join(parts, ", "))
}

// why describes a run that failed, for a person.
func why(r *Report) string {
	out := r.Verdict.Findings
	if r.Error != "" {
		out = append([]string{r.Error}, out...)
	}
	if len(out) > 12 {
		out = out[:12]
	}
	return "  " + strings.Join(out, "\n  ")
}

// print sums up. The last line is for machines.
func (t *tally) print(w io.Writer) {
	ms := func(of []time.Duration, q float64) time.Duration { return quantile(of, q).Round(time.Millisecond) }
	fmt.Fprintf(w, "crash: %d runs, %d of %d faults done before their jobs ended; %d stops, %d zombies, %d cuts\n", t.runs, t.done, t.planned, t.stops, t.zombies, t.cuts)
	fmt.Fprintf(w, "crash: %d of %d kills between PLAN and COMMIT (%d %%)\n", t.inside, t.kills, t.share())
	fmt.Fprintf(w, "crash: from a kill to the next commit: p50=%v p95=%v over %d; while something else was stopped or cut: p50=%v, at most %v, over %d\n",
		ms(t.free, 0.5), ms(t.free, 0.95), len(t.free), ms(t.held, 0.5), ms(t.held, 1), len(t.held))
	for _, c := range t.complaints() {
		fmt.Fprintln(w, "crash: "+c)
	}
	fmt.Fprintf(w, "kills=%d lost=%d doubled=%d wrong=%d worst_recovery=%v\n", t.kills, t.verdict.Lost, t.verdict.Doubled, t.verdict.Wrong, ms(t.free, 1))
}
