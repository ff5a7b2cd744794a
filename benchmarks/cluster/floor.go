package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/report"
)

// floor measures how short batches can be with the log and the state in Cassandra: first how long they take when they follow each other, then
// whether an interval a little longer than most of them is held. Nodes are like those of the scenario checkpoint.
func floor(ctx context.Context, w io.Writer, o Options) error {
	for _, kind := range []struct {
		name     string
		periodic bool
	}{{"synced log", false}, {"log as by default", true}} {
		node, err := servicetest.StartCassandra(ctx, "", servicetest.CassandraOptions{Periodic: kind.periodic, Optimised: true})
		if err != nil {
			return err
		}
		url := fmt.Sprintf("cassandra://%s:%d/bench?replication=1", strings.Join(node.Hosts(), ","), node.Port())
		if err := errors.Join(o.onNode(ctx, w, kind.name, url), node.Close()); err != nil {
			return fmt.Errorf("log in Cassandra, %s: %w", kind.name, err)
		}
	}
	return nil
}

func (o Options) onNode(ctx context.Context, w io.Writer, name, url string) error {
	short := strings.ReplaceAll(name, " ", "-")
	l := load{name: "floor-" + short, executors: 3, interval: time.Millisecond, keys: heldKeys, rate: o.Rate, url: url}
	reports, err := o.steady(ctx, l)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nBatches over 3 executors at %d rows/s for %v, log and state in Cassandra, one node, %s\n", o.Rate, o.For, name)
	fmt.Fprintf(w, "from COMMIT to COMMIT            %s\n", spread(reports[1:], gaps(reports)))
	fmt.Fprintf(w, "PLAN durable → COMMIT durable    %s\n", spread(reports, between))
	const step = 5 * time.Millisecond
	l.name, l.interval = "held-"+short, (quantile(reports[1:], 0.99, gaps(reports)) + step).Truncate(step)
	if reports, err = o.steady(ctx, l); err != nil {
		return err
	}
	fmt.Fprintf(w, "an interval of %v is %s\n", l.interval, judged(reports, l.interval))
	printHeld(w, reports, l.interval)
	return nil
}

// gaps tells of all batches but the first how long after the one before they were committed.
func gaps(reports []*report.Batch) func(*report.Batch) time.Duration {
	first := reports[0].Batch
	at := func(b *report.Batch) time.Time { return b.Time.Add(b.Timeline.Committed) }
	return func(b *report.Batch) time.Duration { return at(b).Sub(at(reports[b.Batch-first-1])) }
}
