package registry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a schema registry that answers what it is told to.
type fake struct {
	*httptest.Server
	asked atomic.Int64

	mu       sync.Mutex
	answers  map[string]string // by path; the rest is unknown
	status   int               // of every answer, 0 = as it should be
	password string
	hold     chan struct{} // answers come when it is closed
	arrived  chan struct{} // gets something when a question has come that is held
	accept   string
}

func newFake(t *testing.T, start func(*httptest.Server)) *fake {
	t.Helper()
	f := &fake{answers: map[string]string{}}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(f.Server)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	f.mu.Lock()
	status, hold, password := f.status, f.hold, f.password
	body, ok := f.answers[r.URL.EscapedPath()]
	f.accept = r.Header.Get("Accept")
	f.mu.Unlock()
	if hold != nil {
		select {
		case f.arrived <- struct{}{}:
		default:
		}
		<-hold
	}
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	_, given, _ := r.BasicAuth()
	switch {
	case password != given:
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error_code": 401, "message": "Unauthorized"}`)
	case status != 0:
		w.WriteHeader(status)
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error_code": 40403, "message": "Schema 17 not found"}`)
	default:
		fmt.Fprint(w, body)
	}
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// idPlan is a plan that tells which schema it was made of: its rows are text.
type idPlan struct{ text string }

var errPlan = errors.New("is not liked by the plan")

func (p idPlan) Decode(row unsafe.Pointer, payload []byte) error {
	*(*string)(row) = p.text + ":" + string(payload)
	if string(payload) == "bad" {
		return errPlan
	}
	return nil
}

func compileText(s *Schema) (Plan, error) {
	if s.Text == "broken" {
		return nil, errors.New("cannot be read")
	}
	text := s.Text
	for _, r := range s.References {
		text += "+" + r.Name + "=" + r.Text
	}
	return idPlan{text}, nil
}

// open opens an endpoint with the parameters, whose pauses are short.
func open(t testing.TB, q url.Values) (func() format.Decoder, error) {
	t.Helper()
	c, err := codec.Of[string]()
	if err != nil {
		t.Fatal(err)
	}
	e := dstream.Endpoint{Name: "ads", URL: &url.URL{Scheme: "kafka", Host: "b", Path: "/ads", RawQuery: q.Encode()}, Rows: c}
	o, err := Parse(e, "avro", nil, []string{"group"})
	if err != nil {
		return nil, err
	}
	return o.Open("AVRO", compileText)
}

func decoder(t testing.TB, q url.Values) *records {
	t.Helper()
	made, err := open(t, q)
	if err != nil {
		t.Fatal(err)
	}
	d := made().(*records)
	if d.client != nil {
		d.client.first, d.client.most = time.Microsecond, time.Microsecond
	}
	return d
}

// header is a record with the header of a registry.
func header(id uint32, payload string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), payload...)
}

// decode returns the row that a record becomes, or "!" and the reason why it is a bad one.
func decode(t testing.TB, d *records, rec []byte) (out string, err error) {
	t.Helper()
	b, err := rdd.NewBuilder[string](1, func(c rdd.Chunk) bool {
		out += c.(*rdd.Rows[rdd.None, string]).Vals[0]
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error {
		if *(*string)(b.Row()) != "" || r.Position != "ads/3@4711" {
			t.Errorf("%+v", r)
		}
		out += "!" + r.Reason
		return nil
	}}
	err = d.DecodeRecord(rec, "ads/3@4711", to)
	return out, err
}

// watched is a context that tells what is waited for.
func watched(ctx context.Context, what chan<- string) context.Context {
	return dstream.WatchWaiting(ctx, func(s string) func() {
		select {
		case what <- s:
		default:
		}
		return func() {}
	})
}
