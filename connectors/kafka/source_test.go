package kafka

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestURLs(t *testing.T) {
	c := brokers(t, 1)
	addr := c.ListenAddrs()[0]
	type keyed struct {
		A int
		K int64 `kafka:"key"`
	}
	for _, x := range []struct {
		path string
		open func(string) (*Source, error)
		want string // "" = it opens
	}{
		{"in", trySource[ad], ""},
		{"in?format=csv", trySource[ad], ""},
		{"in?format=text", trySource[string], ""},
		{"in?start=2026-01-01T00:00:00Z&group=none&isolation=uncommitted&metadata_refresh=1s", trySource[ad], ""},
		{"?pattern=i.*", trySource[ad], ""},
		{"", trySource[ad], "names no topic"},
		{"a/b", trySource[ad], "no name of a topic"},
		{"in,in", trySource[ad], "twice"},
		{"in?pattern=x", trySource[ad], "give one of them"},
		{"?pattern=(", trySource[ad], "pattern="},
		{"in?start=yesterday", trySource[ad], "want earliest, latest, or a time"},
		{"in?start_offsets=0:x", trySource[ad], "want partition:offset"},
		{"in?start_offsets=0:1,0:2", trySource[ad], "there twice"},
		{"in,other?start_offsets=0:1", trySource[ad], "give one topic"},
		{"in?isolation=some", trySource[ad], "one of committed, uncommitted"},
		{"in?fetch=3", trySource[ad], "parameter fetch is not known"},
		{"in?fetch=3&format=bytes", trySource[string], "unknown parameter"},
		{"in?format=xml", trySource[ad], "format=xml"},
		{"in?format=csv&header=true", trySource[ad], "has no header"},
		{"in?format=bytes", trySource[ad], "has others"},
		{"in?sasl=plain", trySource[ad], "needs a user"},
		{"in?ca=x", trySource[ad], "add tls=true"},
		{"in", trySource[keyed], "must be a *string or []uint8 or string, not a int64"},
		{"in", trySource[struct {
			A int `kafka:"kee"`
		}], "is no tag"},
		{"in", trySource[struct {
			A struct {
				K string `kafka:"key"`
			}
		}], "only a field of the row itself"},
		{"im", trySource[ad], "did you mean in?"},
		{"in,nothing", trySource[ad], "no topic \"nothing\""},
	} {
		s, err := x.open(sourceURL([]string{addr}, x.path))
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.path, err, x.want)
		}
		if s != nil {
			_ = s.Close()
		}
	}
}

// message is a row with all there is beside a value.
type message struct {
	N         int
	Key       *string           `kafka:"key"`
	Bytes     []byte            `kafka:"key"`
	At        time.Time         `kafka:"timestamp"`
	Headers   map[string]string `kafka:"headers"`
	Raw       map[string][]byte `kafka:"headers"`
	Partition int32             `kafka:"partition"`
	Offset    int64             `kafka:"offset"`
	Topic     string            `kafka:"topic"`
	Deleted   bool              `kafka:"tombstone"`
}

func TestColumns(t *testing.T) {
	c := brokers(t, 2)
	s := source[message](t, c.ListenAddrs(), "in?isolation=uncommitted")
	at := time.UnixMilli(1_700_000_000_123).UTC()
	p := producer(t, c.ListenAddrs())
	put(t, p, &kgo.Record{Topic: "in", Partition: 1, Timestamp: at, Value: []byte("not JSON")})
	put(t, p, &kgo.Record{
		Topic: "in", Partition: 1, Timestamp: at, Value: []byte(`{"N": 7}`), Key: []byte("k"),
		Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}, {Key: "h", Value: []byte("\xff2")}},
	})
	put(t, p, &kgo.Record{Topic: "in", Partition: 1, Timestamp: at, Key: []byte("gone")})
	put(t, p, &kgo.Record{Topic: "in", Partition: 1, Timestamp: at, Value: []byte(`{"N": 8}`)})
	put(t, p, &kgo.Record{Topic: "in", Partition: 1, Timestamp: at, Value: []byte(`{"N": 9}`), Key: []byte("\xff")})
	out, _ := must[message](t, s, nil)
	key, gone := "k", "gone"
	want := []message{
		{7, &key, []byte("k"), at, map[string]string{"h": "\uFFFD2"}, map[string][]byte{"h": []byte("\xff2")}, 1, 1, "in", false},
		{0, &gone, []byte("gone"), at, nil, nil, 1, 2, "in", true},
		{8, nil, nil, at, nil, nil, 1, 3, "in", false},
	}
	if !reflect.DeepEqual(out.rows, want) {
		t.Errorf("got %+v, want %+v", out.rows, want)
	}
	if len(out.bad) != 2 || !strings.HasPrefix(out.bad[0], "in/1@0 not JSON ") || !strings.Contains(out.bad[1], `in/1@4 {"N": 9} its key is not valid UTF-8`) {
		t.Errorf("bad records: %q", out.bad)
	}
}

func TestFormats(t *testing.T) {
	c := brokers(t, 1)
	addrs := c.ListenAddrs()
	put(t, producer(t, addrs), texts("in", 0, "1,a", "2,\"b\n\"", "\xff")...)
	put(t, producer(t, addrs), &kgo.Record{Topic: "in", Value: nil})
	type pair struct {
		N    int
		Text string
	}
	csv, _ := must[pair](t, source[pair](t, addrs, "in?format=csv"), nil)
	if want := []pair{{1, "a"}, {2, "b\n"}}; !slices.Equal(csv.rows, want) || len(csv.bad) != 2 {
		t.Errorf("CSV: %+v", csv)
	}
	bytes, _ := must[[]byte](t, source[[]byte](t, addrs, "in"), nil)
	if got := fmt.Sprintf("%q", bytes.rows); got != `["1,a" "2,\"b\n\"" "\xff" ""]` {
		t.Errorf("bytes: %s", got)
	}
	type keyed struct {
		Offset int64  `kafka:"offset"`
		Value  string `kafka:"value"`
	}
	value, _ := must[keyed](t, source[keyed](t, addrs, "in"), nil)
	if want := []keyed{{0, "1,a"}, {1, "2,\"b\n\""}, {3, ""}}; !slices.Equal(value.rows, want) || len(value.bad) != 1 {
		t.Errorf("value: %+v", value)
	}
	text, _ := must[string](t, source[string](t, addrs, "in"), nil)
	if len(text.rows) != 2 || len(text.bad) != 2 {
		t.Errorf("text: %+v", text)
	}
}

func TestStart(t *testing.T) {
	for parameters, want := range map[string]string{
		"":                                   "[0 1 2 3 x]",
		"start=earliest":                     "[0 1 2 3 x]",
		"start=latest":                       "[]",
		"start=2023-11-14T22:13:21.5Z":       "[2 3]",
		"start=2030-01-01T00:00:00Z":         "[]",
		"start_offsets=0:3":                  "[3 x]",
		"start=latest&start_offsets=0:2":     "[2 3]",
		"start=latest&start_offsets=0:4,1:0": "[x]",
	} {
		t.Run(parameters, func(t *testing.T) {
			c := started(t)
			s := source[string](t, c.ListenAddrs(), "in?"+parameters)
			out, r := must[string](t, s, nil)
			if got := fmt.Sprint(out.rows); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			put(t, producer(t, c.ListenAddrs()), texts("in", 1, "late")...)
			if len(r.Splits) == 0 {
				r.To = nil // an empty batch may not have been noted
			}
			if out, _ = must[string](t, s, r.To); fmt.Sprint(out.rows) != "[late]" {
				t.Errorf("then %v", out.rows)
			}
		})
	}
	c := started(t)
	for parameters, want := range map[string]string{"start_offsets=7:0": "no partition 7", "start_offsets=1:9": "ends at offset 1, before 9"} {
		_, _, err := batch[string](source[string](t, c.ListenAddrs(), "in?"+parameters), nil, dstream.Limit{})
		wantError(t, err, true, want)
	}
}

// started has four records a second apart in one partition, and one of today in another.
func started(t *testing.T) *kfake.Cluster {
	c := brokers(t, 2)
	p := producer(t, c.ListenAddrs())
	for i := range 4 {
		r := texts("in", 0, fmt.Sprint(i))[0]
		r.Timestamp = time.UnixMilli(int64(1_700_000_000_000 + 1000*i))
		put(t, p, r)
	}
	put(t, p, texts("in", 1, "x")...)
	return c
}

func TestTopicsAndPartitionsComeLater(t *testing.T) {
	c := brokers(t, 1, kfake.SeedTopics(1, "clicks-a", "other"))
	addrs := c.ListenAddrs()
	p := producer(t, addrs, kgo.MetadataMinAge(10*time.Millisecond))
	put(t, p, texts("clicks-a", 0, "a0")...)
	put(t, p, texts("other", 0, "no")...)
	s := source[string](t, addrs, "?pattern=clicks-.*&start=latest&metadata_refresh=100ms")
	now := time.Now()
	s.now = func() time.Time { return now }
	out, r := must[string](t, s, nil)
	if len(out.rows) != 0 {
		t.Errorf("from the latest: %v", out.rows)
	}
	if err := c.CreateTopic("clicks-b", 2, nil); err != nil {
		t.Fatal(err)
	}
	put(t, p, texts("clicks-b", 1, "b1")...)
	put(t, p, texts("clicks-a", 0, "a1")...)
	if out, _ = must[string](t, s, r.To); fmt.Sprint(out.rows) != "[a1]" {
		t.Errorf("before topics are looked up again: %v", out.rows)
	}
	now = now.Add(time.Second)
	if out, r = must[string](t, s, r.To); fmt.Sprint(out.rows) != "[a1 b1]" {
		t.Errorf("a new topic from its start: %v", out.rows)
	}
	more := producer(t, addrs)
	grow(t, more, "clicks-a", 3)
	put(t, more, texts("clicks-a", 2, "a2")...)
	now = now.Add(time.Second)
	if out, _ = must[string](t, s, r.To); fmt.Sprint(out.rows) != "[a2]" {
		t.Errorf("a new partition from its start: %v", out.rows)
	}
	several := source[string](t, addrs, "clicks-a,other")
	if out, _ = must[string](t, several, nil); fmt.Sprint(out.rows) != "[a0 a1 a2 no]" {
		t.Errorf("two topics: %v", out.rows)
	}
}

func TestLimits(t *testing.T) {
	c := brokers(t, 3)
	p := producer(t, c.ListenAddrs())
	for i, n := range []int{1000, 100, 1} {
		put(t, p, texts("in", int32(i), slices.Repeat([]string{"0123456789"}, n)...)...)
	}
	s := source[string](t, c.ListenAddrs(), "in?split=300")
	out, r, err := batch[string](s, nil, dstream.Limit{Rows: 110})
	if err != nil || len(out.rows) < 108 || len(out.rows) > 113 || r.Lag != 1101-int64(len(out.rows)) {
		t.Errorf("%d rows of at most 110, %d left, %v", len(out.rows), r.Lag, err)
	}
	out, r, err = batch[string](s, nil, dstream.Limit{Bytes: 1000})
	if err != nil || len(out.rows) < 90 || len(out.rows) > 110 {
		t.Errorf("%d rows in about 1000 bytes, %v", len(out.rows), err)
	}
	out, r, err = batch[string](s, r.To, dstream.Limit{})
	if err != nil || r.Lag != 0 || len(r.Splits) != 4 {
		t.Errorf("splits %+v, %v", r.Splits, err)
	}
}

func TestOpenTransaction(t *testing.T) {
	c := brokers(t, 1)
	p, tx := producer(t, c.ListenAddrs()), producer(t, c.ListenAddrs(), kgo.TransactionalID("hangs"))
	put(t, p, texts("in", 0, "a", "b")...)
	if err := tx.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	put(t, tx, texts("in", 0, "open")...)
	put(t, p, texts("in", 0, "behind")...)
	s := source[string](t, c.ListenAddrs(), "in")
	now := time.Now()
	s.now = func() time.Time { return now }
	out, r := must[string](t, s, nil)
	if fmt.Sprint(out.rows) != "[a b]" || r.Note != "" {
		t.Errorf("%v, note %q", out.rows, r.Note)
	}
	now = now.Add(2 * stallAfter)
	if _, r = must[string](t, s, r.To); r.Note != "in/0: a transaction has been open since offset 2" {
		t.Errorf("note %q", r.Note)
	}
	if _, r = must[string](t, s, r.To); r.Note == "" {
		t.Error("the note is forgotten while the transaction is open")
	}
	all, _ := must[string](t, source[string](t, c.ListenAddrs(), "in?isolation=uncommitted"), nil)
	if fmt.Sprint(all.rows) != "[a b open behind]" {
		t.Errorf("uncommitted: %v", all.rows)
	}
	if err := tx.EndTransaction(context.Background(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	if out, r = must[string](t, s, r.To); fmt.Sprint(out.rows) != "[behind]" || r.Note != "" {
		t.Errorf("%v, note %q", out.rows, r.Note)
	}
	// A range that has nothing but the marker at its end.
	now = now.Add(2 * stallAfter)
	out, _ = must[string](t, s, r.To)
	if len(out.rows) != 0 {
		t.Errorf("%v", out.rows)
	}
	read, err := readSplits[string](s, []dstream.Split{{Name: "in/0", From: 4, To: 5}})
	if err != nil || read.fetched != 0 {
		t.Errorf("%+v, %v", read, err)
	}
}

func TestLoss(t *testing.T) {
	c := brokers(t, 2)
	p := producer(t, c.ListenAddrs())
	put(t, p, texts("in", 0, "a", "b", "c", "d")...)
	put(t, p, texts("in", 1, "x")...)
	s := source[string](t, c.ListenAddrs(), "in")
	_, r, err := batch[string](s, nil, dstream.Limit{Rows: 2})
	if err != nil {
		t.Fatal(err)
	}
	planned, err := s.Plan(t.Context(), r.To, dstream.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteRecords("in", 0, 3); err != nil {
		t.Fatal(err)
	}
	_, err = readSplits[string](s, planned.Splits)
	wantError(t, err, true, "in/0", "[1, 4) were planned but are gone", "begins at 3")
	_, _, err = batch[string](s, r.To, dstream.Limit{})
	var loss *dstream.LossError
	if !errors.As(err, &loss) || len(loss.Lost) != 1 || loss.Lost[0].Split != "in/0" || loss.Lost[0].From != 1 || loss.Lost[0].To != 3 {
		t.Fatalf("got %v", err)
	}
	out, _ := must[string](t, s, loss.Resume)
	if fmt.Sprint(out.rows) != "[d]" {
		t.Errorf("behind the loss: %v", out.rows)
	}
}

func TestTopicMadeAgain(t *testing.T) {
	c := brokers(t, 1)
	p := producer(t, c.ListenAddrs())
	put(t, p, texts("in", 0, "a", "b", "c")...)
	s := source[string](t, c.ListenAddrs(), "in")
	now := time.Now()
	s.now = func() time.Time { return now }
	_, r, err := batch[string](s, nil, dstream.Limit{Rows: 1})
	if err != nil {
		t.Fatal(err)
	}
	planned, err := s.Plan(t.Context(), r.To, dstream.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteTopic("in"); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateTopic("in", 1, nil); err != nil {
		t.Fatal(err)
	}
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, "1", "2", "3", "4")...)
	now = now.Add(time.Second)
	_, err = readSplits[string](s, planned.Splits)
	wantError(t, err, true, "deleted and made again", "the next start says what is lost")
	_, _, err = batch[string](s, r.To, dstream.Limit{})
	var loss *dstream.LossError
	if !errors.As(err, &loss) || len(loss.Lost) != 1 || !strings.Contains(err.Error(), "in/0 [1, 1): the topic was deleted and made again") {
		t.Fatalf("got %v", err)
	}
	if out, _ := must[string](t, s, loss.Resume); fmt.Sprint(out.rows) != "[1 2 3 4]" {
		t.Errorf("behind the loss: %v", out.rows)
	}
	if err := c.DeleteTopic("in"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	ctx := dstream.WatchWaiting(t.Context(), func(what string) func() {
		now = now.Add(time.Minute) // nobody made it again
		return func() {}
	})
	_, err = s.Plan(ctx, loss.Resume, dstream.Limit{})
	if loss = nil; !errors.As(err, &loss) && !strings.Contains(err.Error(), "no topic") {
		t.Fatalf("got %v", err)
	}
}

func TestCompacted(t *testing.T) {
	c := brokers(t, 1, kfake.SeedTopics(0))
	policy := "compact"
	if err := c.CreateTopic("compacted", 1, map[string]string{"cleanup.policy": policy, "segment.ms": "1", "min.cleanable.dirty.ratio": "0"}); err != nil {
		t.Fatal(err)
	}
	p := producer(t, c.ListenAddrs())
	put(t, p, &kgo.Record{Topic: "compacted", Key: []byte("stays"), Value: []byte("first")})
	for i := range 19 {
		put(t, p, &kgo.Record{Topic: "compacted", Key: fmt.Appendf(nil, "k%d", i%3), Value: fmt.Appendf(nil, "%d", i)})
	}
	c.Compact()
	s := source[string](t, c.ListenAddrs(), "compacted")
	out, r := must[string](t, s, nil)
	if len(out.rows) == 0 || len(out.rows) > 15 || out.rows[len(out.rows)-1] != "18" {
		t.Errorf("%v", out.rows)
	}
	t.Logf("%d of 20 are left", len(out.rows))
	for from := range int64(20) { // ranges that begin or end in holes
		part := r.Splits[0]
		part.From, part.To = from, from+1
		if _, err := readSplits[string](s, []dstream.Split{part}); err != nil {
			t.Fatalf("offset %d: %v", from, err)
		}
	}
}

func TestLargeRecords(t *testing.T) {
	c := brokers(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "20000000"}))
	p := producer(t, c.ListenAddrs(), kgo.ProducerBatchMaxBytes(10<<20))
	large := strings.Repeat("x", 3<<20)
	put(t, p, texts("in", 0, "a")...)
	put(t, p, texts("in", 0, large)...)
	put(t, p, texts("in", 0, "b")...)
	s := source[string](t, c.ListenAddrs(), "in?fetch_bytes=1024&max_record=4MiB")
	out, _ := must[string](t, s, nil)
	if len(out.rows) != 3 || out.rows[1] != large || out.rows[2] != "b" {
		t.Errorf("%d rows", len(out.rows))
	}
	out, _ = must[string](t, source[string](t, c.ListenAddrs(), "in"), nil)
	if len(out.rows) != 2 || len(out.bad) != 1 || !strings.Contains(out.bad[0][len(out.bad[0])-200:], "1048576") {
		t.Errorf("%d rows, %d bad", len(out.rows), len(out.bad))
	}
}
