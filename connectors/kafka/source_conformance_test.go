package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kgo"
)

// row i of the input, in the partition that it is in.
func conformanceRecord(i int) *kgo.Record {
	r := conformance.NewRow(i)
	value := fmt.Sprintf("{\"id\": %q, \"text\": %q, \"n\": %d}", r.ID, r.Text, r.N)
	return &kgo.Record{Topic: "in", Partition: int32(i % 3), Value: []byte(value)}
}

// Two of each three transactions are committed, and bad records and holes lie among the rows.
func conformanceInput(t *testing.T, parameters string) conformance.Input[conformance.Row] {
	in := conformance.Input[conformance.Row]{
		Prepare: func(t testing.TB, dir string) {
			c := brokers(t, 3)
			if err := os.WriteFile(filepath.Join(dir, "brokers"), []byte(strings.Join(c.ListenAddrs(), ",")), 0o600); err != nil {
				t.Fatal(err)
			}
			fill(t, c.ListenAddrs())
		},
		Open: func(dir string) (dstream.Connector, error) {
			addrs, err := os.ReadFile(filepath.Join(dir, "brokers"))
			if err != nil {
				return nil, err
			}
			return trySource[conformance.Row](sourceURL([]string{string(addrs)}, "in?"+parameters))
		},
		Bad: 3, Slack: 3,
	}
	for i := range 130 {
		in.Rows = append(in.Rows, conformance.NewRow(i))
	}
	return in
}

func fill(t testing.TB, addrs []string) {
	plain := producer(t, addrs)
	tx := producer(t, addrs, kgo.TransactionalID("filler"))
	for i := 0; i < 130; i += 10 {
		var rows []*kgo.Record
		for j := range 10 {
			rows = append(rows, conformanceRecord(i+j))
		}
		switch i / 10 % 3 {
		case 0:
			put(t, plain, rows...)
			if i%60 == 0 {
				put(t, plain, &kgo.Record{Topic: "in", Partition: 1, Value: []byte("{\"id\": \"bad\"")})
			}
		case 1:
			transaction(t, tx, kgo.TryAbort, rows[:5]...)
			transaction(t, tx, kgo.TryCommit, rows...)
		default:
			transaction(t, tx, kgo.TryCommit, rows...)
			transaction(t, tx, kgo.TryAbort, rows...)
		}
	}
}

func TestSourceConformance(t *testing.T) {
	in := conformanceInput(t, "split=7")
	in.Endless = true
	conformance.Source(t, in)
}

func TestBoundedSourceConformance(t *testing.T) {
	in := conformanceInput(t, "bounded=true&fetch_bytes=1024")
	conformance.Source(t, in)
}
