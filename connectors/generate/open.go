package generate

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
	"github.com/zeebo/xxh3"
)

func init() { dstream.RegisterSource("generate", open) }

func open(e dstream.Endpoint) (dstream.Connector, error) {
	p := param.Of(e.URL)
	s := &Source{what: e.URL.Host, rows: e.Rows, partitions: 1, now: time.Now}
	var err error
	switch s.what {
	case "ads":
		err = s.ads(p)
	case "campaigns":
		err = s.campaigns(p)
	case "words":
		s.words(p)
	default:
		return nil, fmt.Errorf("%s: there is no generator of that name; there are ads, campaigns and words", e.URL.Redacted())
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), err)
	}
	if _, err := bind(s.make(0), e.Rows); err != nil {
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), err)
	}
	return s, nil
}

// flow reads the parameters of all that flows.
func (s *Source) flow(p *param.Set) {
	s.events = p.Int("events", 0, 0, 1<<40)
	s.rate = p.Float("rate", 0, 0, 1e9)
	s.partitions = p.Int("partitions", 4, 1, 4096)
}

func table(p *param.Set) Ads {
	return Ads{
		Seed: uint64(p.Int("seed", 1, 0, math.MaxInt64)),
		Ads:  int(p.Int("ads", 1000, 1, maxAds)), Campaigns: int(p.Int("campaigns", 100, 1, maxAds)),
	}
}

func (s *Source) ads(p *param.Set) error {
	s.flow(p)
	a := table(p)
	a.Spacing = 100 * time.Microsecond
	if s.rate > 0 {
		a.Spacing = max(1, time.Duration(float64(time.Second)/s.rate))
	}
	a.Spacing = p.Duration("spacing", a.Spacing, 1)
	a.Skew = p.Float("skew", 0, 0, 10)
	a.Disorder = p.Duration("disorder", 0, 0)
	a.Late, a.LateEvery = p.Duration("late", time.Minute, time.Microsecond), p.Int("late_every", 0, 0, 1<<40)
	if s.live = p.String("start", "") == "now"; !s.live {
		a.Start = p.Time("start", time.Time{})
	}
	stream, err := NewAdStream(a)
	if err != nil {
		return err
	}
	a = stream.Ads
	if s.live {
		a.Start = time.Time{}
	}
	s.start = stream.start
	s.digest = s.fingerprint(a)
	s.make = func(start int64) maker { return stream.from(start) }
	return nil
}

func (s *Source) campaigns(p *param.Set) error {
	a := table(p)
	stream, err := NewAdStream(a)
	if err != nil {
		return err
	}
	s.events, s.digest = int64(a.Ads), s.fingerprint(a)
	s.make = func(int64) maker { return campaigns{stream} }
	return nil
}

func (s *Source) words(p *param.Set) {
	s.flow(p)
	w := Words{
		Seed:       uint64(p.Int("seed", 1, 0, math.MaxInt64)),
		Vocabulary: int(p.Int("vocabulary", 10_000, 1, 10_000_000)), Skew: p.Float("skew", 1.1, 0.001, 10),
	}
	stream := NewWordStream(w)
	s.digest = s.fingerprint(w)
	s.make = func(int64) maker { return stream }
}

// fingerprint is a digest of all that decides what is in a row of a partition.
func (s *Source) fingerprint(of any) string {
	text, _ := json.Marshal(of)
	return strconv.FormatUint(xxh3.HashString(fmt.Sprint(s.what, s.partitions, string(text))), 36)
}
