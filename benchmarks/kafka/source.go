package kafka

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	_ "github.com/tidemill/tidemill/connectors/kafka" // scheme kafka
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"golang.org/x/sync/errgroup"
)

// raw is a record as it is.
type raw struct {
	Value []byte `kafka:"value"`
}

// URL is where a job finds the topic: all that is in it now, and no more.
func (t *Topic) URL(parameters string) string {
	return "kafka://" + strings.Join(t.Brokers, ",") + "/" + t.Name + "?bounded=true&" + parameters
}

// tallied is the job that counts records: a tally for each partition of a batch.
func tallied(job *dstream.Job) {
	job.Source[raw]("ads").MapPartitions(func(rows iter.Seq[raw]) iter.Seq[Tally] {
		return func(yield func(Tally) bool) {
			var t Tally
			for r := range rows {
				t.Records++
				t.Bytes += int64(len(r.Value))
			}
			yield(t)
		}
	}).WriteTo("tallies")
}

// BySource reads the topic with the Kafka source, so many splits at a time, in batches of at most limit.
func (t *Topic) BySource(ctx context.Context, tasks int, limit dstream.Limit) (sum Tally, err error) {
	g, err := dstream.Build(tallied, "tally", dstream.Settings{
		Sources: map[string]string{"ads": t.URL("format=bytes&group=none")}, Sinks: map[string]string{"tallies": "memory://"},
	})
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	if err := g.Open(dstream.Place{Sinks: map[string]dstream.RecordSink{"tallies": nowhere{}}}); err != nil {
		return sum, err
	}
	source, at := g.Sources()[0], dstream.Offsets(nil)
	for n := int64(1); ; n++ {
		r, err := source.Plan(ctx, at, limit)
		if err != nil {
			return sum, err
		}
		one, err := readBatch(ctx, g, n, r, tasks)
		if sum.add(one); err != nil || r.Ended {
			return sum, err
		}
		at = r.To
	}
}

// readBatch runs a task for each split.
func readBatch(ctx context.Context, g *dstream.Graph, n int64, r dstream.Range, tasks int) (Tally, error) {
	parts := make([][]dstream.Split, len(r.Splits))
	for i, s := range r.Splits {
		parts[i] = []dstream.Split{s}
	}
	p := &dstream.Plan{
		Batch: n, Time: time.Unix(n, 0).UTC(), Parts: 1, Groups: rdd.DefaultGroups,
		Sources: map[string]dstream.SourcePlan{"ads": {Parts: parts, Ended: r.Ended}},
	}
	b, err := g.Batch(p)
	if err != nil {
		return Tally{}, err
	}
	var got tallies
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(tasks)
	for part := range parts {
		all.Go(func() error {
			return b.Program.Run(&rdd.Task{
				Context: ctx, ID: rdd.TaskID{Batch: n, Partition: part}, Blocks: &got, ChunkRows: rdd.DefaultChunkRows, Env: &dstream.Env{Plan: p},
			}, b.Program.Outputs[0])
		})
	}
	if err := all.Wait(); err != nil {
		return Tally{}, fmt.Errorf("batch %d: %w", n, err)
	}
	return got.sum, nil
}

// tallies adds up what tasks give out.
type tallies struct {
	mu  sync.Mutex
	sum Tally
}

func (s *tallies) Append(_ *rdd.Task, _ int, c rdd.Chunk) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range c.(*rdd.Rows[rdd.None, Tally]).Vals {
		s.sum.add(t)
	}
	return nil
}

// Read is never asked: the job has one stage.
func (s *tallies) Read(*rdd.Task, rdd.Block, *rdd.Shape) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) { yield(nil, errors.New("nothing is kept")) }
}

// nowhere is the sink that a job has to have, and that nothing is written to.
type nowhere struct{}

func (nowhere) Write(context.Context, dstream.WriteID, iter.Seq2[dstream.Output, error]) (dstream.Receipt, error) {
	return dstream.Receipt{}, errors.New("nothing is written here")
}
