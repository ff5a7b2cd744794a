package format

import (
	"bytes"
	stdcsv "encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// adEvent is what the benchmark's job needs of an event.
type adEvent struct {
	ID    string    `col:"ad_id" json:"ad_id"`
	Event string    `col:"event_type" json:"event_type"`
	At    time.Time `col:"event_time" json:"-"`
}

// adEvents writes n events of the Yahoo streaming benchmark, 253 bytes on average: seven strings, always in this order, with
// a space behind each colon and comma.
func adEvents(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	uuid := func() string {
		a, b := rnd.Uint64(), rnd.Uint64()
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
	}
	ads := make([]string, 1000)
	for i := range ads {
		ads[i] = uuid()
	}
	types := []string{"banner", "modal", "sponsored-search", "mail", "mobile"}
	events := []string{"view", "click", "purchase"}
	var out []byte
	for i := range n {
		out = fmt.Appendf(out, `{"user_id": "%s", "page_id": "%s", "ad_id": "%s", "ad_type": "%s", "event_type": "%s", "event_time": "%d", "ip_address": "1.2.3.4"}`+"\n",
			uuid(), uuid(), ads[rnd.IntN(len(ads))], types[rnd.IntN(5)], events[rnd.IntN(3)], 1_700_000_000_000+i/10)
	}
	return out
}

const benchEvents = 20_000

// drop is a reader that throws rows away.
func drop[T any](b testing.TB) *dstream.Reader {
	rows, err := rdd.NewBuilder[T](4096, func(rdd.Chunk) bool { return true })
	if err != nil {
		b.Fatal(err)
	}
	return &dstream.Reader{Builder: rows, Reject: func(r dstream.BadRecord) error { return fmt.Errorf("rejected: %s", r.Reason) }}
}

// cpu is the processor time that this process took. Wall time says little on a machine that others use too.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report tells how many rows a second of processor time makes.
func report(b *testing.B, n int, from time.Duration) {
	b.ReportMetric(float64(n)*float64(b.N)/(cpu()-from).Seconds()/1e6, "Mrows/cpu-s")
}

func benchDecode[T any](b *testing.B, params string, file []byte, want int) {
	d, to := decoder[T](b, params), drop[T](b)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		d.Start(nil)
		_, n, err := d.Decode(file, true, strconv.Itoa, to)
		if err != nil || n != int64(want) {
			b.Fatal(n, err)
		}
	}
	report(b, want, from)
}

func BenchmarkJSON(b *testing.B) {
	benchDecode[adEvent](b, "format=json", adEvents(benchEvents), benchEvents)
}

// Every record has an escape, so none takes the short way.
func BenchmarkJSONGeneral(b *testing.B) {
	file := bytes.ReplaceAll(adEvents(benchEvents), []byte("1.2.3.4"), []byte(`1.2.3\u002e4`))
	benchDecode[adEvent](b, "format=json", file, benchEvents)
}

func BenchmarkJSONRecords(b *testing.B) {
	recs := bytes.Split(bytes.TrimSpace(adEvents(benchEvents)), []byte("\n"))
	d, to := decoder[adEvent](b, "format=json"), drop[adEvent](b)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		for _, r := range recs {
			if err := d.DecodeRecord(r, "", to); err != nil {
				b.Fatal(err)
			}
		}
	}
	report(b, benchEvents, from)
}

// The plain loop for the same rows: it trusts that keys, their order and the space between them never change, and that no
// value holds a quote.
func BenchmarkJSONBare(b *testing.B) {
	file := adEvents(benchEvents)
	skip := [7]int{13, 15, 13, 15, 18, 18, 18} // to each value from the end of the one before
	rows := make([]adEvent, 4096)
	b.SetBytes(int64(len(file)))
	from := cpu()
	for b.Loop() {
		for i, n := 0, 0; i < len(file); n++ {
			var values [7][]byte
			for k := range values {
				i += skip[k]
				end := i + bytes.IndexByte(file[i:], '"')
				values[k], i = file[i:end], end
			}
			i += len("\"}\n")
			ms := int64(0)
			for _, c := range values[5] {
				ms = ms*10 + int64(c-'0')
			}
			rows[n%len(rows)] = adEvent{view(values[2]), view(values[4]), time.UnixMilli(ms).UTC()}
		}
	}
	report(b, benchEvents, from)
}

func BenchmarkJSONStandard(b *testing.B) {
	file := adEvents(benchEvents)
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		d := json.NewDecoder(bytes.NewReader(file))
		for {
			var e struct {
				adEvent
				Time string `json:"event_time"`
			}
			if err := d.Decode(&e); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			ms, _ := strconv.ParseInt(e.Time, 10, 64)
			e.At = time.UnixMilli(ms).UTC()
		}
	}
	report(b, benchEvents, from)
}

type order struct {
	ID    int64
	Name  string
	Price float64
	At    time.Time
}

func orders() []byte {
	var out []byte
	for i := range benchEvents {
		out = fmt.Appendf(out, "%d,customer %d,%d.25,%d\n", i, i%97, i%1000, 1_700_000_000_000+i)
	}
	return out
}

func BenchmarkCSV(b *testing.B) {
	benchDecode[order](b, "format=csv&header=false", orders(), benchEvents)
}

func BenchmarkCSVStandard(b *testing.B) {
	file := orders()
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		r := stdcsv.NewReader(bytes.NewReader(file))
		r.ReuseRecord = true
		for {
			rec, err := r.Read()
			if err == io.EOF {
				break
			}
			id, _ := strconv.ParseInt(rec[0], 10, 64)
			price, _ := strconv.ParseFloat(rec[2], 64)
			ms, _ := strconv.ParseInt(rec[3], 10, 64)
			_ = order{id, rec[1], price, time.UnixMilli(ms).UTC()}
		}
	}
	report(b, benchEvents, from)
}

func BenchmarkText(b *testing.B) {
	benchDecode[string](b, "format=text", adEvents(benchEvents), benchEvents)
}

func benchEncode(b *testing.B, params string) {
	d := decoder[adEvent](b, "format=json")
	var out outcome[adEvent]
	to := reader(b, &out)
	if _, _, err := d.Decode(adEvents(4096), true, strconv.Itoa, to); err != nil {
		b.Fatal(err)
	}
	e := endpoint[adEvent](b, "files:./dir?"+params)
	enc, err := OpenEncoder(e)
	if err != nil {
		b.Fatal(err)
	}
	rec, err := codec.Encode(e.Rows, out.rows)
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	from := cpu()
	for b.Loop() {
		if dst, err = enc.Append(dst[:0], rec, nil); err != nil {
			b.Fatal(err)
		}
	}
	report(b, len(out.rows), from)
}

func BenchmarkEncodeJSON(b *testing.B) { benchEncode(b, "format=json") }
func BenchmarkEncodeCSV(b *testing.B)  { benchEncode(b, "format=csv") }
