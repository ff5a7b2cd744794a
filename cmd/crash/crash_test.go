package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/ledger"
	"github.com/tidemill/tidemill/cmd/crash/tail"
)

var whole = shape{faults: 6, executors: 3, kinds: append(clusterKinds, netKinds...), standby: 35, frames: 35, stopped: longest}

// TestSchedules draws many and holds what they promise.
func TestSchedules(t *testing.T) {
	kinds, standbys, long := map[Kind]int{}, 0, 0
	for seed := range uint64(2000) {
		s := newSchedule(seed, whole)
		if !reflect.DeepEqual(s, newSchedule(seed, whole)) {
			t.Fatalf("seed %d: two schedules", seed)
		}
		if s.Standby {
			standbys++
		}
		held := time.Duration(0)
		for _, f := range s.Faults {
			kinds[f.Kind]++
			held += f.Hold
			if f.Hold > 15*time.Second {
				long++
			}
			if n := len(f.Nodes); n < 1 || n > 2 || f.Nodes[0] < 1 || f.Nodes[n-1] > 3 || n == 2 && f.Nodes[0] >= f.Nodes[1] {
				t.Fatalf("seed %d: nodes %v", seed, f.Nodes)
			}
			if f.Gap < 1 || f.Share < 0 || f.Share > maxShare || f.Rest > maxRest || (f.Kind == CutWires) != (len(f.Cuts) > 0) {
				t.Fatalf("seed %d: %+v", seed, f)
			}
			for _, c := range f.Cuts {
				if c.From == c.To || c.Plane < 1 || c.Plane > 3 {
					t.Fatalf("seed %d: cut %+v", seed, c)
				}
			}
		}
		if held > longest {
			t.Fatalf("seed %d: %v of stops", seed, held)
		}
	}
	for _, k := range whole.kinds {
		if kinds[k] < 200 {
			t.Errorf("%s: %d times", k, kinds[k])
		}
	}
	if standbys < 500 || standbys > 900 || long < 10 {
		t.Errorf("%d runs with a standby, %d stops of more than 15 s", standbys, long)
	}
}

func TestZombiePlans(t *testing.T) {
	s := settings{zombies: 12, seed: 5, rows: 100}
	counts := map[Kind]int{}
	for _, p := range s.plans() {
		for _, f := range p.Schedule.Faults {
			counts[f.Kind]++
			if f.Early || len(f.Nodes) != 1 || p.SQLite || p.Schedule.Standby != (f.Kind == ZombieDriver) {
				t.Errorf("%s: %+v with standby %v", p.Name, f, p.Schedule.Standby)
			}
		}
	}
	if want := map[Kind]int{ZombieWorker: 12, ZombieDriver: 12}; !reflect.DeepEqual(counts, want) {
		t.Errorf("%v, want %v", counts, want)
	}
}

// TestSettle measures recoveries of made-up deeds, times in seconds.
func TestSettle(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(0, int64(s*1e9)) }
	commits := []tail.Commit{{Batch: 1, At: at(1)}, {Batch: 2, At: at(2)}, {Batch: 3, At: at(5)}, {Batch: 4, At: at(9)}}
	deeds := []Deed{
		{At: at(1.5), Kills: 1},
		{At: at(2), Kills: 2}, // the commit at 2 was before it
		{At: at(5.5), Fault: Fault{Hold: 2 * time.Second}, Stops: 1},
		{At: at(6), Kills: 1}, // while something is stopped
		{At: at(8), Kills: 1}, // that goes on at 7.5
		{At: at(10), Kills: 1},
	}
	settle(deeds, commits)
	free, held := recoveries(deeds)
	if got := fmt.Sprint(free, held); got != "[500ms 1s 3s] [3s]" {
		t.Error(got)
	}
	if deeds[2].Recovery != 3500*time.Millisecond || deeds[5].Recovery != 0 {
		t.Errorf("%+v", deeds)
	}
	if p50, p95 := quantile(free, 0.5), quantile(free, 0.95); p50 != time.Second || p95 != 3*time.Second || quantile(nil, 1) != 0 {
		t.Error(p50, p95)
	}
}

func TestTally(t *testing.T) {
	var b tally
	for i := range 6 {
		b.add(&Report{Deeds: []Deed{{Kills: 2, Inside: i < 3, Recovery: time.Duration(i+1) * time.Second}}})
	}
	var out strings.Builder
	b.print(&out)
	if got := out.String(); !strings.HasSuffix(got, "\nkills=12 lost=0 doubled=0 wrong=0 worst_recovery=6s\n") || len(b.complaints()) != 0 {
		t.Errorf("%s%q", got, b.complaints())
	}
	b.add(&Report{Deeds: []Deed{{Kills: 1}}})
	if c := b.complaints(); len(c) != 1 || !strings.Contains(c[0], "only 46 %") {
		t.Errorf("less than half inside: %q", c)
	}
	b.add(&Report{Verdict: ledger.Verdict{Doubled: 3}})
	b.add(&Report{Error: "hang"})
	if c := b.complaints(); len(c) != 2 || c[0] != "2 of 9 runs failed" || b.verdict.Doubled != 3 {
		t.Errorf("%q", c)
	}
}

func TestAudit(t *testing.T) {
	line := func(n, rows, late int) string {
		return fmt.Sprintf(`{"batch":%d,"outcome":"committed","sources":[{"delivered":%d,"rejected":0}],"steps":[{"late":0},{"late":%d}]}`, n, rows, late)
	}
	for _, c := range []struct {
		name  string
		lines []string
		wrong int64
	}{
		{"right", []string{line(3, 1, 0), line(2, 4, 0), line(1, 5, 0)}, 0},
		{"a failed attempt of a batch", []string{line(2, 4, 0), `{"batch":2,"outcome":"failed","sources":[{"delivered":4}]}`, line(1, 6, 0)}, 0},
		{"a batch twice", []string{line(2, 5, 0), line(1, 5, 0), line(1, 5, 0)}, 2},
		{"a batch that is missing", []string{line(3, 5, 0), line(1, 5, 0)}, 1},
		{"the first is missing", []string{line(3, 5, 0), line(2, 5, 0)}, 1},
		{"too few rows", []string{line(2, 4, 0), line(1, 5, 0)}, 1},
		{"late rows", []string{line(2, 5, 1), line(1, 5, 0)}, 1},
	} {
		v, err := audit([]byte("["+strings.Join(c.lines, ",")+"]"), 10)
		if err != nil || v.Wrong != c.wrong || len(v.Findings) != int(c.wrong) {
			t.Errorf("%s: %+v, %v", c.name, v, err)
		}
	}
	if _, err := audit([]byte(`{"batch":`), 10); err == nil {
		t.Error("half a line is read")
	}
}

// TestReplay judges a report that was kept, and one whose outputs were spoiled afterwards.
func TestReplay(t *testing.T) {
	p := plan{Name: "x", Size: ledger.Size{Seed: 1, Rows: 500}.WithDefaults(), Schedule: newSchedule(1, whole)}
	r := &run{dir: t.TempDir()}
	if err := writeJSON(filepath.Join(r.dir, reportName), &Report{Plan: p, Deeds: []Deed{{Kills: 1}}}); err != nil {
		t.Fatal(err)
	}
	truth := ledger.TruthOf(p.Size)
	var out ledger.Outputs
	for k, v := range truth.Accounts {
		out.Accounts = append(out.Accounts, ledger.Row[ledger.Cell, ledger.Total]{Key: k, Value: v})
	}
	for k, v := range truth.Branches {
		out.Branches = append(out.Branches, ledger.Row[ledger.Cell, ledger.Total]{Key: k, Value: v})
	}
	for k, v := range truth.Journal {
		out.Journal = append(out.Journal, ledger.Row[int64, ledger.Line]{Key: k, Value: v})
	}
	for k, v := range truth.Balances {
		out.Balances = append(out.Balances, ledger.Row[ledger.Post, int64]{Key: k, Value: v})
	}
	judged := func() *Report {
		t.Helper()
		if err := r.keepOutputs(out); err != nil {
			t.Fatal(err)
		}
		rep, err := replay(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	if rep := judged(); !rep.good() || !reflect.DeepEqual(rep.Plan, p) {
		t.Errorf("%+v", rep.Verdict)
	}
	out.Journal = append(out.Journal[2:], out.Journal[2])
	if v := judged().Verdict; v.Lost != 2 || v.Doubled != 1 || v.Wrong != 0 {
		t.Errorf("%+v", v)
	}
	if err := os.Remove(filepath.Join(r.dir, outputsName)); err != nil {
		t.Fatal(err)
	}
	if _, err := replay(r.dir); err == nil {
		t.Error("a report without outputs is judged")
	}
}
