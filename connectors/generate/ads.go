package generate

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// Ad is an event of the Yahoo streaming benchmark.
type Ad struct {
	UserID    string    `col:"user_id"` // a UUID, one of 100
	PageID    string    `col:"page_id"` // a UUID, one of 100
	AdID      string    `col:"ad_id"`   // a UUID, one of Ads.Ads
	AdType    string    `col:"ad_type"` // banner, modal, sponsored-search, mail or mobile
	EventType string    `col:"event_type"`
	EventTime time.Time `col:"event_time"` // UTC; its JSON has milliseconds
	IPAddress string    `col:"ip_address"` // 1.2.3.4
}

// Ads says which ad events to make. The zero value is that of the URL generate://ads, but for the seed.
type Ads struct {
	Seed      uint64
	Ads       int           // how many ads there are; 0 means 1,000
	Campaigns int           // how many campaigns share them; 0 means 100
	Start     time.Time     // event time of event 0; zero means 2026-01-01 UTC
	Spacing   time.Duration // event time between two events; 0 means 0.1 ms
	Skew      float64       // Zipf exponent of the ads' frequencies; 0 means that all are equally frequent
	Disorder  time.Duration // at most so much is taken off each event time
	Late      time.Duration // at most so much is taken off that of a late event; 0 means 60 s
	LateEvery int64         // one event in so many is late; 0 means none
}

func (a Ads) withDefaults() (Ads, error) {
	a.Ads, a.Campaigns = or(a.Ads, 1000), or(a.Campaigns, 100)
	a.Spacing, a.Late = or(a.Spacing, 100*time.Microsecond), or(a.Late, time.Minute)
	if a.Start.IsZero() {
		a.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if a.Ads < 1 || a.Campaigns < 1 || a.Campaigns > a.Ads || a.Ads > maxAds {
		return a, fmt.Errorf("%d ads of %d campaigns: want 1 to %d ads and no more campaigns than those", a.Ads, a.Campaigns, maxAds)
	}
	if a.Spacing < 0 || a.Disorder < 0 || a.Late < 0 || a.LateEvery < 0 || a.Skew < 0 {
		return a, fmt.Errorf("spacing, disorder, late, late_every and skew cannot be negative")
	}
	return a, nil
}

func or[V comparable](v, def V) V {
	var zero V
	if v == zero {
		return def
	}
	return v
}

// maxAds bounds the memory of the tables: 36 MB of UUIDs.
const maxAds = 1_000_000

// The benchmark's constants: 100 users and pages as in its rate mode, and the kinds in the order of its source.
const usersAndPages = 100

var (
	adTypes    = [...]string{"banner", "modal", "sponsored-search", "mail", "mobile"}
	eventTypes = [...]string{"view", "click", "purchase"}
)

const ipAddress = "1.2.3.4"

// What tells apart the UUIDs and the random numbers of one seed.
const (
	ofUsers = iota + 1
	ofPages
	ofAds
	ofCampaigns
	ofPeople
	ofKind
	ofDisorder
	ofLateness
	ofRank
)

// AdStream makes ad events. It is immutable and safe for concurrent use.
type AdStream struct {
	Ads
	key                          uint64
	start                        int64 // of event 0, µs since 1970
	users, pages, ads, campaigns []string
	rank                         *zipf // nil = equally frequent
}

// NewAdStream prepares the tables of users, pages, ads and campaigns. Options that make no sense are errors.
func NewAdStream(a Ads) (*AdStream, error) {
	a, err := a.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &AdStream{Ads: a, key: mix(a.Seed), start: a.Start.UnixMicro()}
	s.users, s.pages = uuids(a.Seed, ofUsers, usersAndPages), uuids(a.Seed, ofPages, usersAndPages)
	s.ads, s.campaigns = uuids(a.Seed, ofAds, a.Ads), uuids(a.Seed, ofCampaigns, a.Campaigns)
	if a.Skew > 0 {
		s.rank = newZipf(a.Ads, a.Skew)
	}
	return s, nil
}

// from returns the stream with another time of event 0, in µs since 1970.
func (s *AdStream) from(start int64) *AdStream {
	out := *s
	out.start = start
	return &out
}

// Campaign returns the ad with number i < Ads.Ads and the campaign that it belongs to.
func (s *AdStream) Campaign(i int) (ad, campaign string) {
	return s.ads[i], s.campaigns[i*len(s.campaigns)/len(s.ads)]
}

func (s *AdStream) user(n int64) string { return s.users[high(s.more(n, ofPeople), usersAndPages)] }
func (s *AdStream) page(n int64) string { return s.pages[low(s.more(n, ofPeople), usersAndPages)] }
func (s *AdStream) adType(n int64) string {
	return adTypes[high(s.more(n, ofKind), uint64(len(adTypes)))]
}
func (s *AdStream) eventType(n int64) string {
	return eventTypes[low(draw(s.key, n), uint64(len(eventTypes)))]
}

func (s *AdStream) ad(n int64) string {
	if s.rank != nil {
		return s.ads[s.rank.pick(s.more(n, ofRank))]
	}
	return s.ads[high(draw(s.key, n), uint64(len(s.ads)))]
}

// more is a random number of event n beyond the first.
func (s *AdStream) more(n int64, what uint64) uint64 { return mix(draw(s.key, n) + what*golden) }

// time is the event time of event n, µs since 1970.
func (s *AdStream) time(n int64) int64 {
	spacing := int64(s.Spacing) // ns
	at := s.start + n/1000*spacing + n%1000*spacing/1000
	if s.Disorder > 0 {
		at -= int64(s.more(n, ofDisorder) % uint64(s.Disorder.Microseconds()+1))
	}
	if s.LateEvery > 0 && s.more(n, ofLateness)%uint64(s.LateEvery) == 0 {
		at -= int64(mix(s.more(n, ofLateness)) % uint64(s.Late.Microseconds()+1))
	}
	return at
}

// millis is the event time of event n as the benchmark writes it.
func (s *AdStream) millis(n int64) int64 {
	us := s.time(n)
	if us < 0 {
		us -= 999 // rounds down before 1970 too
	}
	return us / 1000
}

// Event returns event n ≥ 0.
func (s *AdStream) Event(n int64) Ad {
	return Ad{s.user(n), s.page(n), s.ad(n), s.adType(n), s.eventType(n), time.UnixMicro(s.time(n)).UTC(), ipAddress}
}

// AppendJSON appends event n ≥ 0 exactly as the benchmark's generator writes it: seven strings in its order, a space after each
// colon and comma, no newline; 253 bytes in the mean.
func (s *AdStream) AppendJSON(dst []byte, n int64) []byte {
	dst = append(append(dst, `{"user_id": "`...), s.user(n)...)
	dst = append(append(dst, `", "page_id": "`...), s.page(n)...)
	dst = append(append(dst, `", "ad_id": "`...), s.ad(n)...)
	dst = append(append(dst, `", "ad_type": "`...), s.adType(n)...)
	dst = append(append(dst, `", "event_type": "`...), s.eventType(n)...)
	dst = strconv.AppendInt(append(dst, `", "event_time": "`...), s.millis(n), 10)
	return append(dst, `", "ip_address": "`+ipAddress+`"}`...)
}

// lastStream spares callers of AdEvent and AppendAdJSON the tables of each event's seed.
var lastStream atomic.Pointer[AdStream]

func streamOf(seed uint64) *AdStream {
	s := lastStream.Load()
	if s == nil || s.Seed != seed {
		s, _ = NewAdStream(Ads{Seed: seed}) // its only errors are of options
		lastStream.Store(s)
	}
	return s
}

// AdEvent returns event n ≥ 0 of generate://ads?seed=seed.
func AdEvent(seed uint64, n int64) Ad { return streamOf(seed).Event(n) }

// AppendAdJSON appends event n ≥ 0 of generate://ads?seed=seed as AdStream.AppendJSON does.
func AppendAdJSON(dst []byte, seed uint64, n int64) []byte { return streamOf(seed).AppendJSON(dst, n) }
