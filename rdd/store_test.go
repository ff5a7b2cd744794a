package rdd_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/tidemill/tidemill/rdd"
)

// store keeps blocks as the tests want them: chunks, or with spill records that are decoded again each time they are read.
type store struct {
	spill  bool
	chunks map[rdd.Block][]rdd.Chunk
	recs   map[rdd.Block][]arrow.Record
	gone   map[rdd.Block]bool
	appends,
	reads int
	fail func(b rdd.Block, n int) error // of the n-th append; nil = never
}

func newStore(spill bool) *store {
	return &store{spill: spill, chunks: map[rdd.Block][]rdd.Chunk{}, recs: map[rdd.Block][]arrow.Record{}, gone: map[rdd.Block]bool{}}
}

func (s *store) Append(t *rdd.Task, bucket int, c rdd.Chunk) error {
	b := rdd.Block{Program: t.ID.Program, Stage: t.ID.Stage, Partition: t.ID.Partition, Bucket: bucket}
	s.appends++
	if s.fail != nil {
		if err := s.fail(b, s.appends); err != nil {
			return err
		}
	}
	if !s.spill {
		s.chunks[b] = append(s.chunks[b], c)
		return nil
	}
	rec, err := c.Record()
	s.recs[b] = append(s.recs[b], rec)
	return err
}

func (s *store) Read(_ *rdd.Task, b rdd.Block, shape *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		s.reads++
		if s.gone[b] {
			yield(nil, &rdd.FetchError{Block: b, Err: fmt.Errorf("gone")})
			return
		}
		for _, c := range s.chunks[b] {
			if !yield(c, nil) {
				return
			}
		}
		for _, rec := range s.recs[b] {
			c, err := shape.Decode(rec)
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// runAll computes every stage of a program and checks that what tasks read is what others wrote.
func runAll(p *rdd.Program, s *store, chunkRows int) error {
	tasks := map[[2]int]rdd.Counts{}
	for _, st := range p.Stages {
		for part := range st.Parts {
			t := &rdd.Task{Context: context.Background(), ID: rdd.TaskID{Stage: st.ID, Partition: part}, Blocks: s, ChunkRows: chunkRows}
			if err := p.Run(t, st.ID); err != nil {
				return err
			}
			tasks[[2]int{st.ID, part}] = t.Counts
			for b, got := range t.Counts.Received {
				sent := tasks[[2]int{b.Stage, b.Partition}]
				want := sent.Out
				if sent.Sent != nil {
					want = sent.Sent[b.Bucket]
				}
				if got != want {
					return fmt.Errorf("block %v: %d rows sent, %d received", b, want, got)
				}
			}
			for step, f := range t.Counts.Folded {
				if f.Rows != f.Accepted+f.Late {
					return fmt.Errorf("stage %d step %s does not balance: %+v", st.ID, step, f)
				}
			}
		}
	}
	return nil
}

// output is the chunks of an output of a program that was run.
func output(p *rdd.Program, s *store, i int) []rdd.Chunk {
	st := p.Stages[p.Outputs[i]]
	var out []rdd.Chunk
	for part := range st.Parts {
		b := rdd.Block{Stage: st.ID, Partition: part}
		for c, err := range s.Read(nil, b, st.Node.Shape) {
			if err != nil {
				panic(err)
			}
			out = append(out, c)
		}
	}
	return out
}

func compile(t testing.TB, outputs ...*rdd.Node) *rdd.Program {
	t.Helper()
	p, err := rdd.Compile(outputs...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
