package cassandra

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/asof"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
)

// total is overwritten by each batch; entry is written once.
type total struct {
	ID    int64 `col:"id,partition"`
	Batch int64 `col:"last"`
}

type entry struct {
	Batch int64  `col:"of_batch,partition"`
	N     int64  `col:"n,key"`
	Text  string `col:"text"`
}

const totals, entries = 20, 10 // of each batch

// pair is two sinks of one job, as its driver uses them.
type pair struct {
	totals, entries *Sink
	batch           int64
}

func id(batch int64, sink string) dstream.WriteID {
	return dstream.WriteID{Job: "j", Sink: sink, Epoch: 1, Batch: batch, Partitions: 1, Timestamp: 1_700_000_000_000_000 + batch*1000}
}

// write writes the next batch, and says so unless it is to be left half-done.
func (p *pair) write(ctx context.Context, finish bool) error {
	p.batch++
	var ts []total
	for i := range totals {
		ts = append(ts, total{int64(i), p.batch})
	}
	var es []entry
	for i := range entries {
		es = append(es, entry{p.batch, int64(i), fmt.Sprint("batch ", p.batch)})
	}
	if _, err := p.totals.Write(ctx, id(p.batch, "totals"), chunks(ts, 7)); err != nil {
		return err
	}
	if _, err := p.entries.Write(ctx, id(p.batch, "entries"), chunks(es, 7)); err != nil || !finish {
		return err
	}
	return errors.Join(p.totals.Finish(ctx, id(p.batch, "totals"), nil), p.entries.Finish(ctx, id(p.batch, "entries"), nil))
}

// snapshot reads both tables, and fails if they are not as of one batch.
func snapshot(t testing.TB, session *gocql.Session, o asof.Options) (batch int64, err error) {
	t.Helper()
	var ts []total
	var es []entry
	err = asof.Read(t.Context(), session, o, func(s *asof.Snapshot) (err error) {
		batch = s.Batch()
		if ts, err = s.Rows[total]("totals", ""); err == nil {
			es, err = s.Rows[entry]("entries", "")
		}
		return err
	})
	if err != nil {
		return batch, err
	}
	of := map[int64]int{}
	for _, e := range es {
		of[e.Batch]++
	}
	for b := int64(1); b <= batch; b++ {
		if of[b] != entries {
			t.Errorf("as of batch %d: %d entries of batch %d", batch, of[b], b)
		}
	}
	if len(of) != int(batch) || len(ts) != totals {
		t.Errorf("as of batch %d: entries of %d batches, %d totals", batch, len(of), len(ts))
	}
	for _, r := range ts {
		if r.Batch != batch {
			t.Errorf("as of batch %d: total %d is of batch %d", batch, r.ID, r.Batch)
		}
	}
	return batch, nil
}

// Snapshots are of one batch each while a writer writes one after the other, and get on.
func TestAsOfWhileWriting(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks, session := c.Keyspace(t), c.Session(t, "")
	at := fmt.Sprintf("cassandra://%s:%d/%s", c.Hosts()[0], c.Port(), ks)
	p := &pair{totals: opened[total](t, at+".totals?create=true"), entries: opened[entry](t, at+".entries?create=true")}
	o := asof.Options{Job: "j", Sinks: []asof.Sink{{Name: "totals", Table: ks + ".totals"}, {Name: "entries", Table: ks + ".entries", WrittenOnce: true}}}

	var none *asof.NoBatchError
	if _, err := snapshot(t, session, o); !errors.As(err, &none) || none.Sink != "totals" {
		t.Errorf("before the first batch: %v", err)
	}
	if err := p.write(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan error, 1)
	go func() {
		interval := time.NewTicker(100 * time.Millisecond)
		defer interval.Stop()
		var err error
		for ctx.Err() == nil && err == nil {
			err = p.write(context.WithoutCancel(ctx), true)
			<-interval.C
		}
		written <- err
	}()
	o.Attempts = 200
	last, grew := int64(0), 0
	for range 15 {
		batch, err := snapshot(t, session, o)
		if err != nil {
			t.Fatal(err)
		}
		if batch < last {
			t.Errorf("as of batch %d after %d", batch, last)
		} else if batch > last {
			grew++
		}
		last = batch
	}
	stop()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if grew < 3 {
		t.Errorf("only %d different batches were seen", grew)
	}
	torn(t, session, p, o)
}

// torn looks at a batch that its job has left half-done.
func torn(t *testing.T, session *gocql.Session, p *pair, o asof.Options) {
	if err := p.write(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	o.Attempts, o.Patience = 5, 50*time.Millisecond
	_, err := snapshot(t, session, o)
	var gone *asof.TornError
	if !errors.As(err, &gone) || gone.Batch != p.batch-1 || !gone.Stopped || gone.Key == "" || !strings.Contains(err.Error(), "what it was before, if it was there, is gone") {
		t.Errorf("got %v", err)
	}
	var es []entry
	once := o
	once.Sinks = o.Sinks[1:]
	err = asof.Read(t.Context(), session, once, func(s *asof.Snapshot) (err error) {
		es, err = s.Rows[entry]("entries", "WHERE of_batch IN ?", []int64{p.batch - 1, p.batch})
		return err
	})
	if err != nil || len(es) != entries || es[0].Batch != p.batch-1 {
		t.Errorf("rows that are written once: %d, %v", len(es), err)
	}
	p.batch-- // the job is started again, and redoes it
	if err := p.write(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if batch, err := snapshot(t, session, o); err != nil || batch != p.batch {
		t.Errorf("as of %d, %v", batch, err)
	}
}

func TestAsOfErrors(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks, session := c.Keyspace(t), c.Session(t, "")
	at := fmt.Sprintf("cassandra://%s:%d/%s", c.Hosts()[0], c.Port(), ks)
	p := &pair{totals: opened[total](t, at+".totals?create=true"), entries: opened[entry](t, at+".entries?create=true")}
	if err := p.write(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	exec(t, session, "CREATE TABLE "+ks+".keys (id bigint PRIMARY KEY)")
	exec(t, session, "INSERT INTO "+ks+".tidemill_sinks (job, sink, target, last_batch, ts) VALUES ('j', 'keys', 'keys', 1, 1)")
	o := asof.Options{Job: "j", Sinks: []asof.Sink{{Name: "totals", Table: ks + ".totals"}, {Name: "keys", Table: ks + ".keys"}}, Patience: 20 * time.Millisecond}
	type wrong struct {
		ID string `col:"id"`
		X  int64  `col:"x"`
	}
	type keys struct {
		ID int64 `col:"id"`
	}
	for want, read := range map[string]func(s *asof.Snapshot) error{
		"it lacks the column x":              func(s *asof.Snapshot) error { _, err := s.Rows[wrong]("totals", ""); return err },
		"not among those of the options":     func(s *asof.Snapshot) error { _, err := s.Rows[total]("total", ""); return err },
		"no column outside its key":          func(s *asof.Snapshot) error { _, err := s.Rows[keys]("keys", ""); return err },
		"mine":                               func(*asof.Snapshot) error { return errors.New("mine") },
		"asof: read " + ks + ".totals: line": func(s *asof.Snapshot) error { _, err := s.Rows[total]("totals", "WHERE"); return err },
	} {
		if err := asof.Read(t.Context(), session, o, read); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	o.Job = "k"
	if err := asof.Read(t.Context(), session, o, nil); err == nil || !strings.Contains(err.Error(), "there are j/entries (entries), j/keys (keys), j/totals (totals)") {
		t.Errorf("got %v", err)
	}
}
