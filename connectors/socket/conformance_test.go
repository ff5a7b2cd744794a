package socket

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve sends each connection the next of some texts, then nothing, and returns the address.
func serve(t testing.TB, texts ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if len(texts) > 0 {
				_, _ = conn.Write([]byte(texts[0])) // the other side may have left
				texts = texts[1:]
			}
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func openAs[T any](address, parameters, scratch string) (*Source, error) {
	u, err := url.Parse("socket://" + address + "?" + parameters)
	if err != nil {
		return nil, err
	}
	c, err := codec.Of[T]()
	if err != nil {
		return nil, err
	}
	s, err := openSource(dstream.Endpoint{Name: "lines", URL: u, Rows: c, Scratch: scratch})
	if s != nil {
		s.segment = 512
	}
	return s, err
}

func conform[T any](t *testing.T, parameters, text string, rows []T, bad int) {
	conformance.Source(t, conformance.Input[T]{
		Prepare: func(t testing.TB, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "address"), []byte(serve(t, text)), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		Open: func(dir string) (dstream.Connector, error) {
			address, err := os.ReadFile(filepath.Join(dir, "address"))
			if err != nil {
				return nil, err
			}
			s, err := openAs[T](string(address), "reconnect=false&"+parameters, filepath.Join(dir, "log"))
			if err != nil {
				return nil, err
			}
			return s, nil
		},
		Rows: rows, Bad: bad,
	})
}

func TestTextConformance(t *testing.T) {
	var rows []string
	text := ""
	for i := range 150 {
		rows = append(rows, fmt.Sprintf("line %d%s", i, strings.Repeat("x", i%17)))
		text += rows[i] + "\n"
		if i == 70 {
			text += strings.Repeat("y", maxLine+100_000) + "\n"
		}
	}
	conform(t, "format=text", strings.TrimSuffix(text, "\n"), rows, 1)
}

func TestCSVConformance(t *testing.T) {
	var rows []conformance.Row
	text := ""
	for i := range 50 {
		rows = append(rows, conformance.Row{ID: fmt.Sprint(i), Text: "a \"b\"", N: 3})
		text += fmt.Sprintf("%d,\"a \"\"b\"\"\",3\r\n", i)
		if i == 20 {
			text += "\n1,\"open\n"
		}
	}
	conform(t, "format=csv", text, rows, 1)
}
