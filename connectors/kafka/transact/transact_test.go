package transact

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/tidemill/tidemill/connectors/kafka/broker"
	"github.com/tidemill/tidemill/dstream"
)

func TestMarkerHolds(t *testing.T) {
	last := Marker{Epoch: 3, Batch: 7, Timestamp: 7000, Partitions: 4}
	for _, c := range []struct {
		name    string
		m       Marker
		written bool
		err     any
	}{
		{"the same write", last, true, nil},
		{"the same write of a newer epoch", Marker{4, 7, 7000, 4}, true, nil},
		{"an earlier write", Marker{3, 6, 6000, 4}, true, nil},
		{"an earlier write, cut otherwise", Marker{3, 6, 6000, 2}, true, nil},
		{"the next write", Marker{3, 8, 8000, 4}, false, nil},
		{"planned anew", Marker{4, 7, 7500, 5}, false, nil},
		{"an older epoch", Marker{2, 8, 8000, 4}, false, new(*FencedError)},
		{"a clock that is behind", Marker{4, 8, 6500, 4}, false, new(*ClockError)},
		{"the same batch, cut otherwise", Marker{4, 7, 7000, 5}, false, new(*CutError)},
	} {
		written, err := last.holds("job/sink/0", c.m)
		if written != c.written || (err == nil) != (c.err == nil) || c.err != nil && !(errors.As(err, c.err) && errors.Is(err, dstream.ErrPermanent)) {
			t.Errorf("%s: %v, %v", c.name, written, err)
		}
	}
	if written, err := (Marker{}).holds("job/sink/0", Marker{1, 1, 1, 1}); written || err != nil {
		t.Errorf("without a marker: %v, %v", written, err)
	}
}

func TestMarkerText(t *testing.T) {
	want := Marker{Epoch: 3, Batch: math.MaxInt64, Timestamp: 7000, Partitions: 4}
	if got, err := parseMarker("g", want.text()); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, text := range []string{"", "{", `{"epoch":-1}`, `{"epoch":"x"}`, strings.Repeat("x", 1000)} {
		if _, err := parseMarker("g", text); !errors.Is(err, dstream.ErrPermanent) || len(err.Error()) > 300 {
			t.Errorf("%.20q: got %v", text, err)
		}
	}
}

// FuzzMarker: what stands in the offsets of a group may be anything.
func FuzzMarker(f *testing.F) {
	f.Add(Marker{1, 2, 3, 4}.text())
	f.Add("null")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMarker("g", text)
		if err != nil {
			return
		}
		if again, err := parseMarker("g", m.text()); err != nil || again != m {
			t.Errorf("%q: %+v, then %+v, %v", text, m, again, err)
		}
	})
}

func TestClassOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want class
	}{
		{sarama.ErrNotLeaderForPartition, again},
		{sarama.ErrConcurrentTransactions, again},
		{sarama.ErrNotCoordinatorForConsumer, again},
		{&broker.AwayError{Reasons: []string{"connection refused"}}, again},
		{&unasked{io.EOF}, again},
		{io.EOF, lost},
		{sarama.ErrRequestTimedOut, lost},
		{sarama.ErrNotEnoughReplicasAfterAppend, lost},
		{sarama.ErrUnknown, lost},
		{sarama.ErrProducerFenced, broken},
		{sarama.ErrInvalidProducerEpoch, broken},
		{sarama.ErrOutOfOrderSequenceNumber, broken},
		{sarama.KError(120), broken},
		{ErrBroken, broken},
		{sarama.ErrTransactionalIDAuthorizationFailed, refused},
		{sarama.ErrInvalidTransactionTimeout, refused},
		{sarama.ErrInvalidRecord, refused},
		{sarama.ErrSASLAuthenticationFailed, refused},
		{fmt.Errorf("%w", dstream.ErrPermanent), refused},
	} {
		if got := classOf(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v: class %d, want %d", c.err, got, c.want)
		}
	}
}

// TestSequences: numbers begin at 0 again behind the largest int32, as brokers count.
func TestSequences(t *testing.T) {
	b := NewBatch(3)
	for range 10 {
		b.Add(Record{Value: []byte("x")})
	}
	for _, c := range []struct{ from, to int32 }{{0, 10}, {math.MaxInt32 - 10, math.MaxInt32}, {math.MaxInt32 - 9, 0}, {math.MaxInt32 - 5, 4}, {math.MaxInt32, 9}} {
		p := producer{sequences: map[int32]int32{3: c.from}}
		if p.advance(b); p.sequences[3] != c.to {
			t.Errorf("10 behind %d is %d, want %d", c.from, p.sequences[3], c.to)
		}
	}
}

func TestBatch(t *testing.T) {
	b := NewBatch(1)
	for i := range 3000 {
		b.Add(Record{Value: fmt.Append(nil, i), Timestamp: int64(5000 - i%7)})
	}
	for _, b := range append([]*Batch{b}, sliceOf(b.split())...) {
		e := b.encode(Options{ID: "x"}, producer{id: 9, epoch: 2, sequences: map[int32]int32{1: 5}})
		if e.ProducerID != 9 || e.ProducerEpoch != 2 || e.FirstSequence != 5 || !e.IsTransactional || int(e.LastOffsetDelta) != len(b.records)-1 || e.MaxTimestamp.UnixMilli() != 5000 {
			t.Errorf("%+v", e)
		}
		from := 0
		if _, err := fmt.Sscan(string(b.records[0].Value), &from); err != nil {
			t.Fatal(err)
		}
		for i, r := range b.records {
			want := int64(5000 - (from+i)%7)
			if at := e.FirstTimestamp.Add(r.TimestampDelta).UnixMilli(); string(r.Value) != fmt.Sprint(from+i) || r.OffsetDelta != int64(i) || at != want {
				t.Fatalf("record %d is %s at %d, offset %d; want time %d", i, r.Value, at, r.OffsetDelta, want)
			}
		}
	}
}

func sliceOf(halves [2]*Batch) []*Batch { return halves[:] }
