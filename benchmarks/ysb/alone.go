package ysb

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tidemill/tidemill/benchmarks/measure"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// Alone runs the job's stages batch by batch on one goroutine, with nothing around them: no driver, no log, no slots, blocks in a
// map. What it costs is what the operators cost.
func Alone(l *Load, s *Source) (*Result, error) {
	g, err := dstream.Build(Build, "ysb", settings)
	if err != nil {
		return nil, err
	}
	sink := &Sink{}
	if err := g.Open(place(l, s, sink)); err != nil {
		return nil, err
	}
	defer g.Close()
	tables, err := frozen(g, l, s)
	if err != nil {
		return nil, err
	}
	a := &alone{g: g, tables: tables, states: map[string]dstream.State{}, progress: &dstream.Progress{}, res: &Result{Rows: s.records}}
	from := measure.Start()
	if err := a.batches(s); err != nil {
		return nil, err
	}
	a.res.Cost, a.res.Views = from.To(measure.Now()), sink.Views()
	return a.res, nil
}

// batches runs batches until the source has ended, and a last one.
func (a *alone) batches(s *Source) error {
	for n, at := int64(1), dstream.Offsets(nil); ; n++ {
		r, err := s.Plan(context.Background(), at, dstream.Limit{})
		if err != nil {
			return err
		}
		if err := a.batch(n, r.Splits, r.Ended); err != nil {
			return err
		}
		if at = r.To; r.Ended {
			return a.batch(n+1, nil, true)
		}
	}
}

func frozen(g *dstream.Graph, l *Load, s *Source) (map[string]any, error) {
	out := map[string]any{}
	for _, t := range g.Tables() {
		recs, err := t.Freeze(context.Background(), place(l, s, nil))
		if err != nil {
			return nil, err
		}
		if out[t.Name], err = t.Index(recs); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// alone is a driver and a worker for nothing but one job.
type alone struct {
	g        *dstream.Graph
	tables   map[string]any
	states   map[string]dstream.State
	progress *dstream.Progress
	res      *Result
}

func (a *alone) batch(n int64, splits []dstream.Split, ended bool) error {
	p := &dstream.Plan{
		Batch: n, Time: time.Unix(n, 0).UTC(), Parts: 1, Groups: rdd.DefaultGroups,
		Sources: map[string]dstream.SourcePlan{"ads": {Parts: [][]dstream.Split{splits}, Ended: ended}},
	}
	b, err := a.g.Batch(p)
	if err != nil {
		return err
	}
	env := &dstream.Env{Plan: p, Marks: a.g.Marks(a.progress, p), Prev: a.progress.Marks, State: a.state, Table: a.table}
	held := blocks{}
	for i, stage := range b.Program.Stages {
		for part := range stage.Parts {
			t := &rdd.Task{
				Context: context.Background(), ID: rdd.TaskID{Batch: n, Stage: i, Partition: part}, Blocks: held, ChunkRows: rdd.DefaultChunkRows, Env: env,
			}
			if err := b.Program.Run(t, i); err != nil {
				return err
			}
		}
	}
	for at, o := range env.Overlays {
		a.states[at].Commit(o)
	}
	a.progress = a.g.Advance(a.progress, p, env.Notes)
	a.res.Batches++
	out := rdd.Block{Stage: b.Program.Outputs[0]}
	_, err = b.Write(context.Background(), 0, dstream.WriteID{Batch: n}, held.Read(nil, out, nil))
	return err
}

func (a *alone) state(step string, part int) (dstream.State, error) {
	if part != 0 {
		return nil, fmt.Errorf("partition %s of a job that has one", strconv.Itoa(part))
	}
	if a.states[step] == nil {
		a.states[step] = a.g.NewState(step)
	}
	return a.states[step], nil
}

func (a *alone) table(name string) (any, error) { return a.tables[name], nil }

// blocks keeps the output of stages.
type blocks map[rdd.Block][]rdd.Chunk

func (b blocks) Append(t *rdd.Task, bucket int, c rdd.Chunk) error {
	at := rdd.Block{Program: t.ID.Program, Stage: t.ID.Stage, Partition: t.ID.Partition, Bucket: bucket}
	b[at] = append(b[at], c)
	return nil
}

func (b blocks) Read(_ *rdd.Task, at rdd.Block, _ *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		for _, c := range b[at] {
			if !yield(c, nil) {
				return
			}
		}
	}
}
