package ysb

import (
	"time"

	"github.com/tidemill/tidemill/connectors/generate"
)

// Ad is what the job reads of an event.
type Ad struct {
	ID    string    `col:"ad_id"`
	Event string    `col:"event_type"`
	At    time.Time `col:"event_time"`
}

// Campaign is a row of the table that ads are looked up in.
type Campaign struct {
	Ad string `col:"ad_id,key"`
	ID string `col:"campaign_id"`
}

// Views is a row of the result: the views of a campaign in [Window, Window + 10 s).
type Views struct {
	Campaign string    `col:"campaign_id,partition"`
	Window   time.Time `col:"window,key"`
	Views    int64     `col:"views"`
}

// Shape says which events to make.
type Shape struct {
	Seed    uint64
	Events  int           // default 1,048,576
	Spacing time.Duration // event time between two; default 0.1 ms, so that a million events are 10 windows
	Rows    bool          // make Load.Rows
	NDJSON  bool          // make Load.NDJSON
}

func (s Shape) withDefaults() Shape {
	if s.Seed == 0 {
		s.Seed = 1
	}
	if s.Events == 0 {
		s.Events = 1 << 20
	}
	if s.Spacing == 0 {
		s.Spacing = 100 * time.Microsecond
	}
	return s
}

// Load is made-up input in memory, and the table that belongs to it.
type Load struct {
	Shape     Shape
	Campaigns []Campaign
	Rows      []Ad   // nil unless asked for
	NDJSON    []byte // a line an event, as the benchmark's own generator writes them; nil unless asked for
	ends      []int  // of every lineStep-th line in NDJSON, for cutting it

	stream *generate.AdStream
}

// lineStep is how many lines lie between two places at which NDJSON can be cut without searching.
const lineStep = 1024

// textRows is how many rows share a buffer of text: as many as a chunk of the engine, whose text lies together too.
const textRows = 4096

// Make makes the input. Equal shapes give equal input.
func Make(s Shape) (*Load, error) {
	s = s.withDefaults()
	stream, err := generate.NewAdStream(generate.Ads{Seed: s.Seed, Spacing: s.Spacing})
	if err != nil {
		return nil, err
	}
	l := &Load{Shape: s, stream: stream}
	for i := range stream.Ads.Ads {
		ad, campaign := stream.Campaign(i)
		l.Campaigns = append(l.Campaigns, Campaign{ad, campaign})
	}
	if s.Rows {
		l.makeRows()
	}
	if s.NDJSON {
		l.makeNDJSON()
	}
	return l, nil
}

// makeRows gives every row text of its own, as a decoder would: rows that shared the generator's strings could be compared by
// address, which no real input can.
func (l *Load) makeRows() {
	l.Rows = make([]Ad, l.Shape.Events)
	for from := 0; from < len(l.Rows); from += textRows {
		to := min(from+textRows, len(l.Rows))
		var text []byte
		for n := from; n < to; n++ {
			e := l.stream.Event(int64(n))
			text = append(append(text, e.AdID...), e.EventType...)
		}
		all := string(text)
		for n := from; n < to; n++ {
			e := l.stream.Event(int64(n))
			a, b := len(e.AdID), len(e.AdID)+len(e.EventType)
			l.Rows[n] = Ad{ID: all[:a], Event: all[a:b], At: e.EventTime}
			all = all[b:]
		}
	}
}

func (l *Load) makeNDJSON() {
	l.NDJSON = make([]byte, 0, l.Shape.Events*260)
	for n := range int64(l.Shape.Events) {
		l.NDJSON = append(l.stream.AppendJSON(l.NDJSON, n), '\n')
		if (n+1)%lineStep == 0 {
			l.ends = append(l.ends, len(l.NDJSON))
		}
	}
}

// Want is the result that the events have, counted by an obvious loop over the generator's own events: neither the bare loop
// nor the engine has a part in it.
func (l *Load) Want() map[Cell]int64 {
	campaign := map[string]string{}
	for _, c := range l.Campaigns {
		campaign[c.Ad] = c.ID
	}
	want := map[Cell]int64{}
	for n := range int64(l.Shape.Events) {
		e := l.stream.Event(n)
		if e.EventType == "view" {
			want[Cell{campaign[e.AdID], e.EventTime.Truncate(window)}]++
		}
	}
	return want
}

// window is the length of the job's windows.
const window = 10 * time.Second
