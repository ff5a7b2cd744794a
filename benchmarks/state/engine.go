package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

// engine is a worker and what a driver does for it. One goroutine uses it.
type engine struct {
	o        Options
	g        *dstream.Graph
	w        *executor.Worker
	sink     *totals
	reports  chan wire.Report
	warnings chan string

	batch, row int64
	refs       map[int]wire.StateRef // of the last COMMIT, by partition
	log        store.Appender
}

// start starts a worker that has the given versions of state, in a checkpoint of that name.
func start(o Options, st store.Store, name string, refs map[int]wire.StateRef, still bool) (*engine, error) {
	e := &engine{o: o, sink: &totals{}, reports: make(chan wire.Report, 64), warnings: make(chan string, 64), refs: refs}
	var err error
	if e.g, err = dstream.Build(build, "state", dstream.Settings{Default: "memory://"}); err != nil {
		return nil, err
	}
	if err := e.g.Open(dstream.Place{
		Sources: map[string]dstream.Connector{"keys": keys(o.Keys)}, Sinks: map[string]dstream.RecordSink{"totals": e.sink},
	}); err != nil {
		return nil, err
	}
	if e.log, err = st.Log("log/"+name, nil); err != nil {
		return nil, err
	}
	var states []wire.StateRef
	for _, r := range refs {
		states = append(states, r)
	}
	e.w, err = executor.NewWorker(e.g, executor.Options{
		Slots: o.Partitions, Scratch: filepath.Join(o.Dir, "scratch-"+name), Segments: &segments{st: st, name: name}, States: states, Job: "state",
		Still: still, Warn: func(s string) { e.warnings <- s },
	}, func(r wire.Report) { e.reports <- r })
	return e, err
}

func (e *engine) close() error { return errors.Join(e.w.Close(), e.log.Close(), e.g.Close()) }

// run runs a batch of so many rows, and returns what it took until it was committed. One that closes the window has its results written.
func (e *engine) run(rows int, closes bool) (time.Duration, error) {
	e.batch++
	p, b, err := e.plan(rows)
	if err != nil {
		return 0, err
	}
	mark := p.Time.UnixMicro()
	if closes {
		mark = dstream.MaxTime
	}
	started := time.Now()
	e.w.Take(wire.Begin{Epoch: 1, Plan: p, Marks: map[string]int64{step: mark}, Prev: map[string]int64{step: p.From.UnixMicro()}})
	var granted []rdd.TaskID
	for _, s := range b.Program.Stages {
		var ids []rdd.TaskID
		for part := range s.Parts {
			ids = append(ids, rdd.TaskID{Batch: e.batch, Stage: s.ID, Partition: part, Attempt: 1})
		}
		e.w.Take(wire.Launch{Epoch: 1, Tasks: ids})
		for range ids {
			if _, err := await[wire.TaskDone](e); err != nil {
				return 0, err
			}
		}
		granted = append(granted, ids...)
	}
	e.w.Take(wire.Grant{Epoch: 1, Batch: e.batch, Round: 1, Tasks: granted})
	published, err := await[wire.Published](e)
	if err == nil {
		err = e.commit(published)
	}
	return time.Since(started), err
}

func (e *engine) plan(rows int) (*dstream.Plan, *dstream.Batch, error) {
	at := time.UnixMicro(1_700_000_000_000_000).Add(time.Duration(e.batch) * time.Second)
	p := &dstream.Plan{Batch: e.batch, Time: at, From: at.Add(-time.Second), Timestamp: at.UnixMicro(), Parts: e.o.Partitions, Groups: 1024}
	var parts [][]dstream.Split
	n := int64(e.o.Partitions)
	for i := range n {
		parts = append(parts, []dstream.Split{{Name: "keys", From: e.row + int64(rows)*i/n, To: e.row + int64(rows)*(i+1)/n}})
	}
	e.row += int64(rows)
	p.Sources = map[string]dstream.SourcePlan{"keys": {Parts: parts}}
	b, err := e.g.Batch(p)
	if err != nil {
		return nil, nil, err
	}
	p.Stages = b.Program.Digest
	return p, b, nil
}

// commit logs what a driver would log, and tells the worker.
func (e *engine) commit(p wire.Published) error {
	for _, r := range p.States {
		e.refs[r.Partition] = r
	}
	text, err := record(e.refs)
	if err == nil {
		err = e.log.Append(text)
	}
	if err == nil {
		err = e.log.Sync()
	}
	e.w.Take(wire.Commit{Epoch: 1, Batch: e.batch})
	return err
}

// await waits for a report of a kind. Any other one is an error, and so is a warning.
func await[R wire.Report](e *engine) (R, error) {
	var none R
	select {
	case s := <-e.warnings:
		return none, errors.New(s)
	case r := <-e.reports:
		switch r := r.(type) {
		case R:
			return r, nil
		case wire.TaskFailed:
			return none, r.Err
		case wire.PublishFailed:
			return none, r.Err
		}
		return none, fmt.Errorf("the worker reports %+v", r)
	}
}
