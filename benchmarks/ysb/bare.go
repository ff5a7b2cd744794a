package ysb

import (
	"bytes"
	"time"
)

// Bare is the benchmark's job by hand: the fastest plain Go that we could write for it, the measure of what the engine costs. It
// uses neither unsafe nor anything of the engine. It knows the job (so campaigns are numbers inside), and of NDJSON the order of
// the members and the text between their values, which it does not verify; it knows nothing about how long values are, and copes
// with events in any order.
type Bare struct {
	campaign map[string]int32 // by ad
	names    []string         // of campaigns
}

// NewBare prepares the table.
func NewBare(table []Campaign) *Bare {
	b := &Bare{campaign: make(map[string]int32, len(table))}
	number := map[string]int32{}
	for _, c := range table {
		n, ok := number[c.ID]
		if !ok {
			n = int32(len(b.names))
			number[c.ID], b.names = n, append(b.names, c.ID)
		}
		b.campaign[c.Ad] = n
	}
	return b
}

// Rows does the job over rows.
func (b *Bare) Rows(rows []Ad) []Views {
	w := newTally(len(b.names))
	for i := range rows {
		r := &rows[i]
		if r.Event != "view" {
			continue
		}
		if c, ok := b.campaign[r.ID]; ok {
			w.add(c, r.At.Unix())
		}
	}
	return w.views(b.names)
}

// The text between the values of an event, of which only the lengths matter.
const (
	beforeUser  = len(`{"user_id": "`)
	beforePage  = len(`", "page_id": "`)
	beforeAd    = len(`", "ad_id": "`)
	beforeType  = len(`", "ad_type": "`)
	beforeEvent = len(`", "event_type": "`)
	beforeTime  = len(`", "event_time": "`)
)

// NDJSON does the job over lines of events.
func (b *Bare) NDJSON(buf []byte) []Views {
	w := newTally(len(b.names))
	for len(buf) > 0 {
		i := beforeUser
		i += bytes.IndexByte(buf[i:], '"') + beforePage
		i += bytes.IndexByte(buf[i:], '"') + beforeAd
		n := bytes.IndexByte(buf[i:], '"')
		ad := buf[i : i+n]
		i += n + beforeType
		i += bytes.IndexByte(buf[i:], '"') + beforeEvent
		n = bytes.IndexByte(buf[i:], '"')
		if string(buf[i:i+n]) == "view" {
			ms := int64(0)
			for i += n + beforeTime; buf[i] != '"'; i++ {
				ms = ms*10 + int64(buf[i]-'0')
			}
			if c, ok := b.campaign[string(ad)]; ok {
				w.add(c, ms/1000)
			}
		}
		buf = buf[i+bytes.IndexByte(buf[i:], '\n')+1:]
	}
	return w.views(b.names)
}

// tally counts per campaign and window. It remembers the window at hand, since times that follow each other mostly share one.
type tally struct {
	campaigns int
	start     int64 // of the window at hand, s since 1970
	counts    []int64
	windows   map[int64][]int64
}

const windowSeconds = int64(window / time.Second)

func newTally(campaigns int) *tally {
	t := &tally{campaigns: campaigns, windows: map[int64][]int64{}}
	t.open(0)
	return t
}

func (t *tally) add(campaign int32, second int64) {
	if uint64(second-t.start) >= uint64(windowSeconds) {
		t.open(second - second%windowSeconds)
	}
	t.counts[campaign]++
}

func (t *tally) open(start int64) {
	t.start, t.counts = start, t.windows[start]
	if t.counts == nil {
		t.counts = make([]int64, t.campaigns)
		t.windows[start] = t.counts
	}
}

func (t *tally) views(names []string) []Views {
	var out []Views
	for start, counts := range t.windows {
		for c, n := range counts {
			if n > 0 {
				out = append(out, Views{names[c], time.Unix(start, 0).UTC(), n})
			}
		}
	}
	return out
}
