package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/ledger"
)

// settings are what the flags say.
type settings struct {
	driver, executor string
	job              string // folder of the jobs
	reports          string
	seed             uint64
	runs             int
	faults           int
	rows, perBatch   int64
	interval         time.Duration
	patience         time.Duration
	standby, frames  int
	local, netns     bool
	zombies, lineage int
	replay           string
}

func (s *settings) flags(f *flag.FlagSet) {
	f.StringVar(&s.driver, "driver", "bin/driver", "the driver `binary`")
	f.StringVar(&s.executor, "executor", "bin/executor", "the executor `binary`")
	f.StringVar(&s.job, "jobs", "cmd/crash/testdata", "`folder` of the jobs that are run")
	f.StringVar(&s.reports, "reports", "bin/reports", "`folder` for reports, one folder a run; what is there of earlier runs of a seed is replaced")
	f.Uint64Var(&s.seed, "seed", 1, "decides inputs, faults and moments; run n has seed+n-1")
	f.IntVar(&s.runs, "runs", 10, "how `many` runs")
	f.IntVar(&s.faults, "faults", 6, "faults of a run, at most: there are fewer if the job ends before")
	f.Int64Var(&s.rows, "rows", 100_000, "rows of a run's input")
	f.Int64Var(&s.perBatch, "per-batch", 1000, "most rows of a batch")
	f.DurationVar(&s.interval, "interval", 20*time.Millisecond, "between batches")
	f.DurationVar(&s.patience, "patience", 90*time.Second, "without a commit, after which a run that is not stopped hangs")
	f.IntVar(&s.standby, "standby", 35, "`percent` of runs with a standby driver")
	f.IntVar(&s.frames, "frames", 35, "`percent` of runs whose control streams drop, repeat and delay frames")
	f.BoolVar(&s.local, "local", false, "no cluster: one process, which is killed and stopped")
	f.BoolVar(&s.netns, "netns", false, "executors in network namespaces, and cuts between them; root only")
	f.IntVar(&s.zombies, "zombies", 0, "instead: freeze as `many` workers, and as many drivers, until they are replaced")
	f.IntVar(&s.lineage, "lineage", 0, "instead: move 1,000,000 rows twice, as `many` times, and kill an executor each time")
	f.StringVar(&s.replay, "replay", "", "instead: judge the report in a `folder` again")
}

// check makes paths absolute: processes run elsewhere.
func (s *settings) check() error {
	for _, p := range []*string{&s.driver, &s.executor, &s.job, &s.reports} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	switch {
	case s.runs < 1 || s.rows < 1 || s.perBatch < 1 || s.faults < 0:
		return fmt.Errorf("-runs, -rows and -per-batch are at least 1")
	case s.local && (s.netns || s.zombies > 0):
		return fmt.Errorf("-local has no executors: neither -netns nor -zombies goes with it")
	}
	return nil
}

func (s *settings) executors() int {
	if s.local {
		return 0
	}
	return 3
}

// plan is what one run is to do.
type plan struct {
	Name     string      `json:"name"`
	Size     ledger.Size `json:"size"`
	SQLite   bool        `json:"sqlite"` // where the tables are; else in files
	Schedule Schedule    `json:"schedule"`
}

// plans are the runs of the mode that the flags choose.
func (s *settings) plans() []plan {
	what := shape{faults: s.faults, executors: s.executors(), kinds: clusterKinds, standby: s.standby, frames: s.frames, stopped: longest}
	switch {
	case s.zombies > 0:
		return s.zombiePlans(what)
	case s.local:
		what.kinds, what.standby, what.frames = localKinds, 0, 0
	case s.netns:
		what.kinds, what.frames = netKinds, 0
	}
	var out []plan
	for n := range s.runs {
		seed := s.seed + uint64(n)
		out = append(out, plan{fmt.Sprintf("run-%d", seed), s.size(seed), true, newSchedule(seed, what)})
	}
	return out
}

// zombiesARun are frozen in one run; each takes until it is replaced.
const zombiesARun = 5

// zombiePlans freeze workers and then drivers. The tables are in files: a process that is frozen in a transaction would keep the lock of
// an SQLite file until it goes on, which is when others have replaced it.
func (s *settings) zombiePlans(what shape) []plan {
	var out []plan
	what.frames = 0
	for _, kind := range []Kind{ZombieWorker, ZombieDriver} {
		what.kinds, what.standby = []Kind{kind}, map[Kind]int{ZombieWorker: 0, ZombieDriver: 100}[kind]
		for left := s.zombies; left > 0; left -= what.faults {
			what.faults = min(left, zombiesARun)
			seed := s.seed + uint64(len(out))
			schedule := newSchedule(seed, what)
			for i := range schedule.Faults {
				f := &schedule.Faults[i]
				f.Early, f.Nodes = false, f.Nodes[:1]
			}
			out = append(out, plan{fmt.Sprintf("zombies-%d", seed), s.size(seed), false, schedule})
		}
	}
	return out
}

func (s *settings) size(seed uint64) ledger.Size {
	return ledger.Size{Seed: seed, Rows: s.rows}.WithDefaults()
}
