package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/receivers"
	"github.com/tidemill/tidemill/rdd/codec"
)

// executors starts two that keep logs, in folders of a folder.
func executors(t testing.TB, dir string) (out []receivers.Holder) {
	t.Helper()
	for i := range 2 {
		path := filepath.Join(dir, fmt.Sprint("executor", i))
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(path)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var none *identity.Credentials
		g := grpc.NewServer(none.ServerOptions(receivers.Roles())...)
		receivers.NewServer(root).Register(g)
		done := make(chan struct{})
		go func() { defer close(done); _ = g.Serve(l) }()
		t.Cleanup(func() { g.Stop(); <-done; root.Close() })
		out = append(out, receivers.Holder{Name: fmt.Sprint("ex-", i), Address: l.Addr().String()})
	}
	return out
}

// clustered is a source with its log on executors.
type clustered struct {
	*Source
	js *receivers.Journals
}

// Close closes both.
func (c clustered) Close() error {
	err := c.Source.Close()
	c.js.Close()
	return err
}

// nextEpoch counts in a file, since the child processes of a test count too.
func nextEpoch(path string) (int64, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	n := int64(len(text)) + 1
	return n, os.WriteFile(path, make([]byte, n), 0o600)
}

// TestClusterConformance asks of a log on executors what is asked of one in a folder.
func TestClusterConformance(t *testing.T) {
	open := func(dir string) (dstream.Connector, error) {
		var live []receivers.Holder
		text, err := os.ReadFile(filepath.Join(dir, "holders"))
		if err == nil {
			err = json.Unmarshal(text, &live)
		}
		if err != nil {
			return nil, err
		}
		epoch, err := nextEpoch(filepath.Join(dir, "epoch"))
		if err != nil {
			return nil, err
		}
		js := receivers.Open(receivers.Options{Job: "job", Incarnation: 1, Epoch: epoch, Live: func() []receivers.Holder { return live }, SegmentBytes: 512})
		address, err := os.ReadFile(filepath.Join(dir, "address"))
		if err != nil {
			return nil, err
		}
		u, err := url.Parse("socket://" + string(address) + "?reconnect=false&format=text")
		if err != nil {
			return nil, err
		}
		rows, err := codec.Of[string]()
		if err != nil {
			return nil, err
		}
		s, err := openSource(dstream.Endpoint{Name: "lines", URL: u, Rows: rows, Journal: js.Journal("lines")})
		return clustered{s, js}, err
	}
	var rows []string
	for i := range 150 {
		rows = append(rows, fmt.Sprintf("line %d%s", i, strings.Repeat("x", i%17)))
	}
	conformance.Source(t, conformance.Input[string]{
		Prepare: func(t testing.TB, dir string) {
			text, err := json.Marshal(executors(t, dir))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "holders"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "address"), []byte(serve(t, strings.Join(rows, "\n"))), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		Open: open, Rows: rows,
	})
}

// TestClusterLineTooLong goes through a log on executors as it does through one in a folder.
func TestClusterLineTooLong(t *testing.T) {
	live := executors(t, t.TempDir())
	js := receivers.Open(receivers.Options{Job: "job", Epoch: 1, Live: func() []receivers.Holder { return live }})
	defer js.Close()
	s := hurried(t, serve(t, "a\n"+strings.Repeat("y", maxLine+1000)+"\nb\n"), "format=text", t.TempDir())
	s.log = js.Journal("lines")
	defer s.Close()
	from, got := dstream.Offsets(nil), 0
	for got < 3 { // lines, one of which is bad
		r, err := s.Plan(context.Background(), from, dstream.Limit{Rows: 1})
		if err != nil {
			t.Fatal(err)
		}
		from = r.To
		for _, c := range r.Splits {
			got++
			if _, err := lines(t, s, c); (err != nil) != (got == 2) {
				t.Errorf("line %d: %v", got, err)
			}
		}
		if err := s.Committed(context.Background(), from); err != nil {
			t.Fatal(err)
		}
	}
}
