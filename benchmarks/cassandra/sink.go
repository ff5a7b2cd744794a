package cassandra

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	_ "github.com/tidemill/tidemill/connectors/cassandra" // scheme cassandra
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"golang.org/x/sync/errgroup"
)

// job is a job that does nothing but write to the sink.
func job(j *dstream.Job) { j.Read("rows", none{}).WriteTo("rows") }

// none is a source without rows.
type none struct{}

func (none) Plan(context.Context, dstream.Offsets, dstream.Limit) (dstream.Range, error) {
	return dstream.Range{Ended: true}, nil
}

func (none) Read(context.Context, dstream.Split) iter.Seq2[[]Row, error] {
	return func(func([]Row, error) bool) {}
}

// sink is the connector, opened by a job.
type sink struct {
	g     *dstream.Graph
	batch int64
}

func openSink(ctx context.Context, hosts []string, port int) (*sink, error) {
	contacts := make([]string, len(hosts))
	for i, h := range hosts {
		contacts[i] = h + ":" + strconv.Itoa(port)
	}
	g, err := dstream.Build(job, "bench", dstream.Settings{Sinks: map[string]string{"rows": "cassandra://" + strings.Join(contacts, ",") + "/" + table}})
	if err != nil {
		return nil, err
	}
	s := &sink{g: g}
	err = g.Open(dstream.Place{})
	if err == nil {
		err = g.Start(ctx, 0, s.id(time.Now().UnixMicro()))
	}
	if err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return s, nil
}

func (s *sink) id(timestamp int64) dstream.WriteID {
	return dstream.WriteID{Job: "bench", Sink: "rows", Epoch: 1, Batch: s.batch + 1, Timestamp: timestamp}
}

// write writes the rows of a batch, in so many partitions at a time, each with a like number of the table's.
func (s *sink) write(ctx context.Context, rows []Row, partitions int, timestamp int64) error {
	id := s.id(timestamp)
	id.Partitions = partitions
	b, err := s.g.Batch(&dstream.Plan{
		Batch: id.Batch, Time: time.UnixMicro(timestamp), Timestamp: timestamp, Parts: partitions, Groups: rdd.DefaultGroups,
		Sources: map[string]dstream.SourcePlan{"rows": {Ended: true}},
	})
	if err != nil {
		return err
	}
	receipts := make([]dstream.Receipt, partitions)
	all, ctx := errgroup.WithContext(ctx)
	for p := range partitions {
		all.Go(func() (err error) {
			id := id
			id.Partition = p
			receipts[p], err = b.Write(ctx, 0, id, chunks(share(rows, p, partitions)))
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	sum := int64(0)
	for _, r := range receipts {
		sum += r.Rows
	}
	if sum != int64(len(rows)) {
		return fmt.Errorf("the receipts count %d rows, %d were written", sum, len(rows))
	}
	s.batch++
	return b.Finish(context.WithoutCancel(ctx), 0, id, receipts)
}

// share is part p of rows, cut where a partition of the table ends.
func share(rows []Row, p, of int) []Row {
	cut := func(i int) int {
		at := len(rows) * i / of
		return min(len(rows), (at+rowsOfPartition-1)/rowsOfPartition*rowsOfPartition)
	}
	return rows[cut(p):cut(p+1)]
}

// chunks gives rows out as a task does.
func chunks(rows []Row) rdd.Seq {
	return func(yield func(rdd.Chunk, error) bool) {
		for len(rows) > 0 {
			n := min(rdd.DefaultChunkRows, len(rows))
			if !yield(&rdd.Rows[rdd.None, Row]{Vals: rows[:n:n]}, nil) {
				return
			}
			rows = rows[n:]
		}
	}
}

// Close closes the connector.
func (s *sink) Close() error { return s.g.Close() }
