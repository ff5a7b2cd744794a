package cassandra

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
)

func texts(found []dstream.Finding) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s %s: %s [%s]\n", f.Severity, f.Subject, f.Text, f.Remedy)
	}
	return b.String()
}

func TestExamine(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks := c.Keyspace(t)
	at := fmt.Sprintf("cassandra://%s:%d/%s", c.Hosts()[0], c.Port(), ks)
	s := opened[total](t, at+".totals?create=true")
	got := texts(s.Examine(t.Context()))
	for _, want := range []string{
		"ok node " + c.Hosts()[0], "Cassandra 5.0.8", "its clock agrees with ours",
		"ok keyspace " + ks + ": SimpleStrategy, 1 copies in ", "with 1 nodes, of which 1 answer; LOCAL_QUORUM needs 1",
		"ok table " + ks + ".totals: fits the rows; PRIMARY KEY ((id))",
		"ok table " + ks + ".tidemill_sinks: is made when the job starts", "write_request_timeout ", "batch_size_fail_threshold ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if err := s.Start(t.Context(), id(1, "totals")); err != nil {
		t.Fatal(err)
	}
	if got := texts(s.Examine(t.Context())); !strings.Contains(got, "tidemill_sinks: is there, with 6 columns") || strings.Contains(got, "mark of sink") {
		t.Error(got)
	}
	for _, m := range []struct {
		ahead time.Duration
		want  string
	}{{-time.Hour, "ok mark of sink out: batch 1 was written last"}, {time.Hour, "warning mark of sink out: batch 1 was written with the time "}} {
		at := dstream.WriteID{Job: "job", Sink: "out", Epoch: 1, Batch: 1}
		at.Timestamp = time.Now().Add(m.ahead).UnixMicro()
		if err := s.Finish(t.Context(), at, nil); err != nil {
			t.Fatal(err)
		}
		if got := texts(s.Examine(t.Context())); !strings.Contains(got, m.want) {
			t.Errorf("%q is missing in\n%s", m.want, got)
		}
	}
	src, err := openTable(tableAt[total](t, c, ks+".totals", "consistency=two&timeout=9s"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if got := texts(src.Examine(t.Context())); !strings.Contains(got, "broken keyspace "+ks+": too few nodes answer") ||
		!strings.Contains(got, "warning setting range_request_timeout: is ") || !strings.Contains(got, "but we wait for 9s only") {
		t.Error(got)
	}
}

// What doctor and explain open makes nothing.
func TestLook(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	ks := c.Keyspace(t)
	look := endpointOf[total](t, fmt.Sprintf("cassandra://%s:%d/%s.totals?create=true", c.Hosts()[0], c.Port(), ks))
	look.Look = true
	for range 2 {
		s, err := openSink(look)
		if err != nil {
			t.Fatal(err)
		}
		got := texts(s.Examine(t.Context()))
		if want := "ok table " + ks + ".totals: is made when the job starts: CREATE TABLE IF NOT EXISTS " + ks + ".totals ("; !strings.Contains(got, want) || strings.Contains(got, "fits the rows") {
			t.Errorf("%q is missing in\n%s", want, got)
		}
		if by := s.By(); !slices.Equal(by, []string{"id"}) {
			t.Errorf("by %v", by)
		}
		_ = s.Close()
	}
}

func TestCopies(t *testing.T) {
	for _, c := range []struct {
		consistency  gocql.Consistency
		factor, want int
	}{{gocql.LocalOne, 3, 1}, {gocql.LocalQuorum, 3, 2}, {gocql.LocalQuorum, 1, 1}, {gocql.Quorum, 2, 2}, {gocql.All, 3, 3}, {gocql.Two, 3, 2}, {gocql.Three, 3, 3}} {
		if got := copies(c.consistency, c.factor); got != c.want {
			t.Errorf("%s of %d: got %d, want %d", c.consistency, c.factor, got, c.want)
		}
	}
}

func TestClockText(t *testing.T) {
	for _, c := range []struct {
		off, took time.Duration
		want      string
	}{
		{time.Millisecond, 2 * time.Millisecond, "its clock agrees with ours"}, {-time.Hour, time.Millisecond, "its clock is 1h0m0s behind ours"},
		{2 * time.Second, time.Millisecond, "its clock is 2s ahead of ours"},
	} {
		if got := clockText(c.off, c.took); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
