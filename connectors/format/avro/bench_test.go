package avro

import (
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// event is one of the Yahoo streaming benchmark, of which a job needs three fields of seven.
type event struct {
	User  string `avro:"user_id"`
	Page  string `avro:"page_id"`
	Ad    string `avro:"ad_id"`
	Type  string `avro:"ad_type"`
	Event string `avro:"event_type"`
	At    int64  `avro:"event_time"`
	IP    string `avro:"ip_address"`
}

const eventSchema = `{"type": "record", "name": "event", "fields": [{"name": "user_id", "type": "string"}, {"name": "page_id", "type": "string"},
	{"name": "ad_id", "type": "string"}, {"name": "ad_type", "type": "string"}, {"name": "event_type", "type": "string"},
	{"name": "event_time", "type": "long"}, {"name": "ip_address", "type": "string"}]}`

type adEvent struct {
	Ad    string    `col:"ad_id"`
	Event string    `col:"event_type"`
	At    time.Time `col:"event_time"`
}

func events(t testing.TB, n int) (out [][]byte) {
	s := avro.MustParse(eventSchema)
	for i := range n {
		id := "123e4567-e89b-12d3-a456-4266141740" + strconv.Itoa(10+i%90)
		rec, err := avro.Marshal(s, event{id, id, id, "banner", "view", 1_700_000_000_000 + int64(i), "1.2.3.4"})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

// drop is a reader that throws rows away.
func drop[T any](t testing.TB) *dstream.Reader {
	b, err := rdd.NewBuilder[T](4096, func(rdd.Chunk) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error { t.Fatal(r.Reason); return nil }}
}

// TestAllocates: records whose wanted fields are text and numbers cost no allocation.
func TestAllocates(t *testing.T) {
	recs, d, to := events(t, 1000), decoder[adEvent](t, eventSchema), drop[adEvent](t)
	allocs := testing.AllocsPerRun(10, func() {
		for _, r := range recs {
			if err := d.DecodeRecord(r, "", to); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > 2 {
		t.Errorf("%v allocations for 1,000 records", allocs)
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkRecords(b *testing.B) {
	recs, d, to := events(b, 10_000), decoder[adEvent](b, eventSchema), drop[adEvent](b)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		for _, r := range recs {
			if err := d.DecodeRecord(r, "", to); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(recs))*float64(b.N)/(cpu()-from).Seconds()/1e6, "Mrows/cpu-s")
}

// What hamba's own decoder takes for all fields of the same records.
func BenchmarkHamba(b *testing.B) {
	recs, s := events(b, 10_000), avro.MustParse(eventSchema)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		for _, r := range recs {
			var e event
			if err := avro.Unmarshal(s, r, &e); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(recs))*float64(b.N)/(cpu()-from).Seconds()/1e6, "Mrows/cpu-s")
}
