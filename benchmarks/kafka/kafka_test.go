package kafka

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

func filled(tb testing.TB, l Load) *Topic {
	tb.Helper()
	topic, err := Fill(tb.Context(), servicetest.Kafka(tb, servicetest.KafkaOptions{}).Addresses(), strings.ReplaceAll(tb.Name(), "/", "-"), l)
	if err != nil {
		tb.Fatal(err)
	}
	return topic
}

// All ways to read a topic agree, and the job is right. Few events far apart make several windows.
func TestAllWaysAgree(t *testing.T) {
	topic := filled(t, Load{Events: 7_001, Spacing: 20 * time.Millisecond})
	for name, read := range map[string]func() (Tally, error){
		"by hand, one connection":    func() (Tally, error) { return topic.ByHand(1) },
		"by hand, three connections": func() (Tally, error) { return topic.ByHand(3) },
		"the source, one batch":      func() (Tally, error) { return topic.BySource(t.Context(), 2, dstream.Limit{}) },
		"the source, many batches":   func() (Tally, error) { return topic.BySource(t.Context(), 2, dstream.Limit{Rows: 999}) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read()
			if err != nil {
				t.Fatal(err)
			}
			if err := topic.check(got); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("the job", func(t *testing.T) {
		cost, err := topic.Job(t.Context())
		if err != nil || cost.Wall <= 0 {
			t.Errorf("got %+v, %v", cost, err)
		}
	})
	t.Run("the job, with another result in mind", func(t *testing.T) {
		wrong := *topic
		wrong.Want = nil
		if _, err := wrong.Job(t.Context()); err == nil || !strings.Contains(err.Error(), "the result is wrong") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCheckSeesLossAndOtherRecords(t *testing.T) {
	topic := &Topic{Load: Load{Events: 10}, Values: 2530}
	for _, got := range []Tally{{9, 2277}, {11, 2783}, {10, 2531}, {}} {
		if topic.check(got) == nil {
			t.Errorf("%+v passes", got)
		}
	}
	if err := topic.check(Tally{10, 2530}); err != nil {
		t.Error(err)
	}
}

func TestTakeCountsWhatIsCommitted(t *testing.T) {
	records := func(deltas ...int64) (out []*sarama.Record) {
		for _, d := range deltas {
			out = append(out, &sarama.Record{OffsetDelta: d, Value: []byte("four")})
		}
		return out
	}
	block := &sarama.FetchResponseBlock{RecordsSet: []*sarama.Records{
		{RecordBatch: &sarama.RecordBatch{FirstOffset: 5, LastOffsetDelta: 2, Records: records(0, 1, 2)}}, // begins in front of what was asked for
		{RecordBatch: &sarama.RecordBatch{FirstOffset: 8, Control: true, Records: records(0)}},
	}}
	var got Tally
	next, err := got.take(block, 6)
	if want := (Tally{2, 8}); err != nil || next != 9 || got != want {
		t.Errorf("got %+v up to %d, %v; want %+v up to 9", got, next, err, want)
	}
	block.AbortedTransactions = []*sarama.AbortedTransaction{{}}
	if _, err := got.take(block, 6); err == nil {
		t.Error("an aborted transaction passes")
	}
	block.Err = sarama.ErrOffsetOutOfRange
	if _, err := got.take(block, 6); err != sarama.ErrOffsetOutOfRange {
		t.Errorf("got %v", err)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Load: Load{Events: -1}}, {Load: Load{Partitions: -1}}, {Load: Load{Spacing: -1}}, {Pairs: -1}} {
		if err := Scenario(context.Background(), &strings.Builder{}, o); err == nil {
			t.Errorf("%+v passes", o)
		}
	}
}

func TestScenario(t *testing.T) {
	broker := servicetest.Kafka(t, servicetest.KafkaOptions{})
	var out strings.Builder
	if err := onBroker(t.Context(), &out, Options{Load: Load{Events: 3_000}, Pairs: 1}, broker.Addresses()); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{"the loop ", "the source ", "the demo's job "} {
		if line := lines[len(lines)-3+i]; !strings.HasPrefix(line, want) {
			t.Errorf("line %q does not begin with %q", line, want)
		}
	}
}

func benchmark(b *testing.B, read func(*Topic) (Tally, error)) {
	topic := filled(b, Load{Events: 200_000})
	for b.Loop() {
		if got, err := read(topic); err != nil || topic.check(got) != nil {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(topic.Events)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

func BenchmarkByHand(b *testing.B) {
	benchmark(b, func(t *Topic) (Tally, error) { return t.ByHand(2) })
}

func BenchmarkBySource(b *testing.B) {
	benchmark(b, func(t *Topic) (Tally, error) { return t.BySource(context.Background(), 2, dstream.Limit{}) })
}
