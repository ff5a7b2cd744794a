package generate

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

func openAs[T any](t testing.TB, u string) (*Source, error) {
	t.Helper()
	parsed, err := url.Parse(u)
	if err != nil {
		t.Fatal(err)
	}
	c, err := codec.Of[T]()
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(dstream.Endpoint{Name: "x", URL: parsed, Rows: c})
	if err != nil {
		return nil, err
	}
	return s.(*Source), nil
}

func read[T any](t testing.TB, s *Source, splits []dstream.Split) []T {
	t.Helper()
	var out []T
	b, err := rdd.NewBuilder[T](100, func(c rdd.Chunk) bool { out = append(out, c.(*rdd.Rows[rdd.None, T]).Vals...); return true })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range splits {
		n, err := s.Read(context.Background(), c, &dstream.Reader{Builder: b})
		if err != nil || n != c.To-c.From {
			t.Fatalf("%v: %d rows, %v", c, n, err)
		}
	}
	if err := b.Flush(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAdsAreThoseOfAdEvent(t *testing.T) {
	s, err := openAs[Ad](t, "generate://ads?seed=7&events=1000&partitions=3")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Plan(context.Background(), nil, dstream.Limit{})
	if err != nil || !r.Ended || len(r.Splits) != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	for _, c := range r.Splits {
		for i, got := range read[Ad](t, s, []dstream.Split{c}) {
			n := int64(c.Name[len(c.Name)-1]-'0') + (c.From+int64(i))*3
			if want := AdEvent(7, n); got != want {
				t.Fatalf("event %d: got %v, want %v", n, got, want)
			}
		}
	}
}

func TestJSONIsTheBenchmarks(t *testing.T) {
	form := regexp.MustCompile(`^\{"user_id": "[0-9a-f-]{36}", "page_id": "[0-9a-f-]{36}", "ad_id": "[0-9a-f-]{36}", "ad_type": "[a-z-]+", "event_type": "[a-z]+", "event_time": "\d{13}", "ip_address": "1\.2\.3\.4"\}$`)
	bytes := 0
	for n := range int64(10_000) {
		line := AppendAdJSON(nil, 1, n)
		bytes += len(line)
		if !form.Match(line) || !json.Valid(line) {
			t.Fatalf("event %d: %s", n, line)
		}
	}
	if mean := float64(bytes) / 10_000; mean < 252 || mean > 254 {
		t.Errorf("mean %.1f bytes, want 253", mean)
	}
}

func TestChoicesAreUniformAndIndependent(t *testing.T) {
	const events = 90_000
	pairs := map[[2]string]int{}
	ads := map[string]int{}
	for n := range int64(events) {
		e := AdEvent(3, n)
		pairs[[2]string{e.AdType, e.EventType}]++
		ads[e.AdID]++
	}
	for p, n := range pairs {
		if n < events/15*94/100 || n > events/15*106/100 {
			t.Errorf("%v occurs %d times, want about %d", p, n, events/15)
		}
	}
	if len(pairs) != 15 || len(ads) != 1000 {
		t.Errorf("%d pairs, %d ads", len(pairs), len(ads))
	}
}

func TestTimesKeepTheirBounds(t *testing.T) {
	s, err := NewAdStream(Ads{Seed: 1, Spacing: time.Millisecond, Disorder: 50 * time.Millisecond, LateEvery: 100, Late: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	late, behind := 0, 0
	for n := range int64(20_000) {
		switch back := s.start + n*1000 - s.time(n); {
		case back < 0 || back > 60_050_000:
			t.Fatalf("event %d is %d µs early", n, back)
		case back > 50_000:
			late++
		case back > 25_000:
			behind++
		}
	}
	if late < 150 || late > 250 || behind < 9_000 || behind > 11_000 {
		t.Errorf("%d late, want about 200; %d of 20000 are behind by half, want half", late, behind)
	}
}

func TestEventTimeTakesThreeForms(t *testing.T) {
	type other struct{ Ignored string }
	type asText struct {
		T string `col:"event_time"`
	}
	type asMillis struct {
		T int64 `col:"event_time"`
	}
	s, _ := openAs[asText](t, "generate://ads?events=12&start=2026-01-01T00:00:00.5Z&spacing=1s&partitions=1")
	r, _ := s.Plan(context.Background(), nil, dstream.Limit{})
	if got := read[asText](t, s, r.Splits)[11].T; got != "1767225611500" {
		t.Errorf("text: %s", got)
	}
	s, _ = openAs[asMillis](t, "generate://ads?events=12&start=2026-01-01T00:00:00.5Z&spacing=1s&partitions=1")
	r, _ = s.Plan(context.Background(), nil, dstream.Limit{})
	if got := read[asMillis](t, s, r.Splits)[11].T; got != 1767225611500 {
		t.Errorf("millis: %d", got)
	}
	if _, err := openAs[other](t, "generate://ads"); err == nil || !strings.Contains(err.Error(), "there are value, user_id") {
		t.Errorf("got %v", err)
	}
}

func TestCampaignsKnowEveryAd(t *testing.T) {
	type row struct {
		Ad       string `col:"ad_id"`
		Campaign string `col:"campaign_id"`
	}
	s, err := openAs[row](t, "generate://campaigns?seed=5&ads=1000&campaigns=100")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Plan(context.Background(), nil, dstream.Limit{})
	if err != nil || !r.Ended {
		t.Fatalf("%+v %v", r, err)
	}
	of, count := map[string]string{}, map[string]int{}
	for _, x := range read[row](t, s, r.Splits) {
		of[x.Ad] = x.Campaign
		count[x.Campaign]++
	}
	for c, n := range count {
		if n != 10 {
			t.Errorf("campaign %s has %d ads, want 10", c, n)
		}
	}
	for n := range int64(5000) {
		if of[AdEvent(5, n).AdID] == "" {
			t.Fatalf("event %d has an ad without campaign", n)
		}
	}
}

func TestWords(t *testing.T) {
	s, err := openAs[string](t, "generate://words?events=20000")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := s.Plan(context.Background(), nil, dstream.Limit{})
	lines := read[string](t, s, r.Splits)
	bytes, count := 0, map[string]int{}
	for _, l := range lines {
		bytes += len(l)
		for _, w := range strings.Fields(l) {
			count[w]++
		}
	}
	if mean := float64(bytes) / float64(len(lines)); mean < 98 || mean > 101 {
		t.Errorf("mean line of %.1f bytes, want about 99", mean)
	}
	if ratio := float64(count[word(0)]) / float64(count[word(9)]); ratio < 11 || ratio > 14.5 {
		t.Errorf("word 1 is %.1f times as frequent as word 10, want 10^1.1 = 12.6", ratio)
	}
	seen := map[string]bool{}
	for i := range 30_000 {
		if seen[word(i)] {
			t.Fatalf("word %d is not new", i)
		}
		seen[word(i)] = true
	}
}

func TestRateFollowsTheClock(t *testing.T) {
	s, err := openAs[string](t, "generate://words?rate=1000&partitions=2")
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Unix(1_800_000_000, 0)
	s.now = func() time.Time { return clock }
	var at dstream.Offsets
	for _, c := range []struct {
		pass  time.Duration
		limit int64
		want  int
	}{{0, 0, 0}, {time.Second, 0, 1000}, {0, 0, 0}, {2 * time.Second, 1500, 1500}, {0, 0, 500}, {-time.Hour, 0, 0}, {time.Hour + time.Millisecond, 0, 1}} {
		clock = clock.Add(c.pass)
		r, err := s.Plan(context.Background(), at, dstream.Limit{Rows: c.limit})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(read[string](t, s, r.Splits)); got != c.want || r.Ended || r.Idle {
			t.Errorf("after %v: %d rows, want %d; %+v", c.pass, got, c.want, r)
		}
		at = r.To
	}
}

func TestLiveStartIsPartOfThePlan(t *testing.T) {
	s, err := openAs[Ad](t, "generate://ads?rate=10&start=now&partitions=1")
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return clock }
	first, _ := s.Plan(context.Background(), nil, dstream.Limit{})
	if !first.Idle {
		t.Error("not idle although nothing is due")
	}
	clock = clock.Add(time.Second)
	r, err := s.Plan(context.Background(), first.To, dstream.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(time.Hour) // what is read must not depend on when
	ads := read[Ad](t, s, r.Splits)
	if want := time.Date(2026, 5, 1, 0, 0, 0, 900_000_000, time.UTC); len(ads) != 10 || !ads[9].EventTime.Equal(want) {
		t.Errorf("%d ads, the last at %v, want %v", len(ads), ads[len(ads)-1].EventTime, want)
	}
}

func TestChangedParametersAreRefused(t *testing.T) {
	a, _ := openAs[Ad](t, "generate://ads?seed=1&events=10")
	b, _ := openAs[Ad](t, "generate://ads?seed=2&events=10")
	r, _ := a.Plan(context.Background(), nil, dstream.Limit{Rows: 5})
	_, errPlan := b.Plan(context.Background(), r.To, dstream.Limit{})
	_, errRead := b.Read(context.Background(), r.Splits[0], nil)
	for _, err := range []error{errPlan, errRead} {
		if err == nil || !strings.Contains(err.Error(), "parameters have changed") {
			t.Errorf("got %v", err)
		}
	}
	more, _ := openAs[Ad](t, "generate://ads?seed=1&events=20") // decides how many, not which
	if _, err := more.Plan(context.Background(), r.To, dstream.Limit{}); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	for u, want := range map[string]string{
		"generate://add":                    "there are ads, campaigns and words",
		"generate://ads?evnts=3":            `unknown parameter "evnts"; known are ads, campaigns, disorder, events, late, late_every, partitions, rate, seed, skew, spacing, start`,
		"generate://ads?ads=5&campaigns=10": "no more campaigns",
		"generate://ads?spacing=5":          "with its unit",
		"generate://words":                  "there are value",
	} {
		if _, err := openAs[Ad](t, u); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", u, err, want)
		}
	}
}

func TestReadStopsWhenAsked(t *testing.T) {
	s, _ := openAs[Ad](t, "generate://ads?partitions=1")
	b, _ := rdd.NewBuilder[Ad](100, func(rdd.Chunk) bool { return false })
	n, err := s.Read(context.Background(), s.cut(place{}, place{Next: 1000})[0], &dstream.Reader{Builder: b})
	if !errors.Is(err, rdd.ErrStopped) || n != 100 {
		t.Errorf("%d rows, %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Read(ctx, s.cut(place{}, place{Next: 1000})[0], &dstream.Reader{Builder: b}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSkew(t *testing.T) {
	s, err := NewAdStream(Ads{Seed: 1, Skew: 1})
	if err != nil {
		t.Fatal(err)
	}
	count := make([]int, 1000)
	for n := range int64(200_000) {
		count[slices.Index(s.ads, s.ad(n))]++
	}
	if ratio := float64(count[0]) / float64(count[9]); ratio < 9 || ratio > 11 {
		t.Errorf("ad 1 is %.1f times as frequent as ad 10, want 10", ratio)
	}
}

// What a job of the benchmark reads of an event.
type projected struct {
	AdID      string    `col:"ad_id"`
	EventType string    `col:"event_type"`
	EventTime time.Time `col:"event_time"`
}

func BenchmarkAds(b *testing.B) {
	s, err := openAs[projected](b, "generate://ads?partitions=1")
	if err != nil {
		b.Fatal(err)
	}
	to, _ := rdd.NewBuilder[projected](8192, func(rdd.Chunk) bool { return true })
	split := s.cut(place{}, place{Next: int64(b.N)})
	b.ReportAllocs()
	b.ResetTimer()
	for _, c := range split {
		if _, err := s.Read(context.Background(), c, &dstream.Reader{Builder: to}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkAdJSON(b *testing.B) {
	buf := make([]byte, 0, 512)
	for n := range b.N {
		buf = AppendAdJSON(buf[:0], 1, int64(n))
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
