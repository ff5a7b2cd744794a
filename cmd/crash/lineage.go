package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/ledger"
	"github.com/tidemill/tidemill/cmd/crash/rig"
	"github.com/tidemill/tidemill/cmd/crash/tail"
)

// million is how many rows are moved.
const million = 1_000_000

// tries to hit the batch.
const tries = 4

// moveMillions moves a million rows twice, as often as the flags say. A run is one batch, and an executor, or in local mode the driver, is
// killed in it.
func (s *settings) moveMillions(w io.Writer) (good bool, err error) {
	var t tally
	for n := range s.lineage {
		seed := s.seed + uint64(n)
		name := fmt.Sprintf("million-%d", seed)
		began := time.Now()
		rep := &Report{}
		within := 500 * time.Millisecond
		for range tries { // a kill that comes after the batch shows nothing
			*rep = Report{Plan: plan{Name: name, Schedule: Schedule{Seed: seed}}}
			if err := s.moveMillion(seed, within, filepath.Join(s.reports, name), rep); err != nil {
				rep.Error = err.Error()
			}
			if !rep.good() || rep.Deeds[0].Inside {
				break
			}
			within /= 2
		}
		rep.Took = time.Since(began)
		t.add(rep)
		fmt.Fprintln(w, line(n+1, s.lineage, rep))
		if !rep.good() {
			fmt.Fprintln(w, why(rep))
		}
	}
	t.print(w)
	return len(t.complaints()) == 0, nil
}

func (s *settings) moveMillion(seed uint64, within time.Duration, dir string, rep *Report) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := ledger.WriteIDs(filepath.Join(dir, "in"), million); err != nil {
		return err
	}
	config := fmt.Sprintf("interval: 50ms\nui: \"off\"\nsources:\n  ids: \"files://%s?format=csv&bounded=true&split=262144\"\nsinks:\n  copies: \"files://%s?format=json\"\nlimits:\n  bytes_per_batch: 0\nrate:\n  control: false\nscratch: %s\n",
		filepath.Join(dir, "in"), filepath.Join(dir, "copies"), dir)
	file := filepath.Join(dir, "tidemill.yaml")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return err
	}
	r := &run{s: s, dir: dir, tail: tail.Open(filepath.Join(dir, "checkpoint")), killed: map[*rig.Proc]bool{}, credit: 2}
	defer func() { rep.Deeds, rep.Commits, rep.Restarts = r.deeds, r.tail.Commits(), r.restarts }()
	err := r.moveMillion(rand.New(rand.NewPCG(seed, 1)), within, file)
	if h, ok := err.(*hang); ok {
		r.rig.Dump()
		err = h
	}
	if closing := r.close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	settle(r.deeds, r.tail.Commits())
	ids, torn, err := ledger.ReadIDs(filepath.Join(dir, "copies"))
	if err != nil {
		return err
	}
	rep.Verdict = ledger.JudgeIDs(million, ids, torn)
	if rep.good() {
		return os.RemoveAll(dir)
	}
	return nil
}

// moveMillion runs the job with one kill, so long after PLAN at most.
func (r *run) moveMillion(random *rand.Rand, within time.Duration, config string) (err error) {
	n := r.s.executors()
	r.rig, err = rig.New(rig.Options{Dir: r.dir, Driver: r.s.driver, Executor: r.s.executor, Executors: n,
		Job: filepath.Join(r.s.job, "million", "million.go"), Config: config, Checkpoint: filepath.Join(r.dir, "checkpoint")})
	if err != nil {
		return err
	}
	for i := range n {
		if err := r.rig.StartExecutor(i + 1); err != nil {
			return err
		}
	}
	if _, err := r.rig.StartDriver(false); err != nil {
		return err
	}
	if err := r.awaitInRun("the first PLAN", func() bool { _, open := r.tail.Planned(); return open }); err != nil {
		return err
	}
	at := time.Now().Add(time.Duration(random.Int64N(int64(within))))
	if err := r.awaitInRun("the moment of the kill", func() bool { return time.Now().After(at) }); err != nil {
		return err
	}
	f := Fault{Kind: KillDriver}
	if n > 0 {
		f = Fault{Kind: KillExecutors, Nodes: []int{1 + random.IntN(n)}, Rest: time.Second}
	}
	batch, open := r.tail.Planned()
	d := Deed{Fault: f, At: time.Now()}
	if err := r.act(f, &d); err != nil {
		return err
	}
	if err := r.tick(time.Now()); err != nil {
		return err
	}
	d.Batch, d.Inside = batch, open && r.tail.Last() < batch
	r.deeds = append(r.deeds, d)
	return r.await("the end of the job", func() bool { return r.done })
}
