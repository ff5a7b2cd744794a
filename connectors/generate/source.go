package generate

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

// Source is a stream, or a part of one, of made-up rows.
type Source struct {
	what       string // host of the URL
	make       func(start int64) maker
	rows       *codec.Codec
	events     int64   // 0 = endless
	rate       float64 // a second; 0 = no clock
	partitions int64
	start      int64  // µs since 1970 of row 0
	live       bool   // start is the time of the first Plan
	digest     string // of the parameters that decide what is in a row
	now        func() time.Time
}

// place is the source's offsets.
type place struct {
	Next   int64  `json:"next"`            // number of the first row that is not planned yet
	Began  int64  `json:"began,omitempty"` // µs since 1970 at which row 0 was due
	Start  int64  `json:"start,omitempty"` // event time of row 0, µs since 1970
	Digest string `json:"of"`
}

// batchRows bounds a batch that neither a limit nor a rate bounds.
const batchRows = 1_000_000

// unlimited is what an absent bound counts as.
const unlimited = math.MaxInt64

// Plan takes what is due, as far as the limit goes.
func (s *Source) Plan(_ context.Context, from dstream.Offsets, limit dstream.Limit) (dstream.Range, error) {
	at, err := s.place(from)
	if err != nil {
		return dstream.Range{}, err
	}
	n := min(s.due(at)-at.Next, s.room(limit))
	if s.events > 0 {
		n = min(n, s.events-at.Next)
	}
	splits, next := []dstream.Split(nil), at
	if n > 0 {
		next.Next += n
		splits = s.cut(at, next)
	}
	to, err := json.Marshal(next)
	return dstream.Range{
		To: to, Splits: splits,
		Ended: s.events > 0 && next.Next >= s.events,
		Idle:  s.live && s.rate > 0 && len(splits) == 0, // only then does event time follow the clock
	}, err
}

func (s *Source) place(from dstream.Offsets) (place, error) {
	if len(from) == 0 {
		at := place{Start: s.start, Digest: s.digest}
		if s.rate > 0 || s.live {
			at.Began = s.now().UnixMicro()
		}
		if s.live {
			at.Start = at.Began
		}
		return at, nil
	}
	var at place
	if err := json.Unmarshal(from, &at); err != nil || at.Next < 0 {
		return at, fmt.Errorf("generate://%s: offsets %.100q are not of this source", s.what, from)
	}
	return at, s.check(at)
}

func (s *Source) check(at place) error {
	if at.Digest != s.digest {
		return fmt.Errorf("generate://%s: its parameters have changed since the batch was planned and would give other rows: restore them, or start over with a fresh checkpoint", s.what)
	}
	return nil
}

// due is the number of the first row that is not due yet.
func (s *Source) due(at place) int64 {
	if s.rate == 0 {
		return unlimited
	}
	passed := float64(s.now().UnixMicro()-at.Began) / 1e6
	return max(at.Next, int64(passed*s.rate)) // a clock that was set back takes nothing back
}

// room is how many rows a limit lets through.
func (s *Source) room(l dstream.Limit) int64 {
	n := int64(unlimited)
	if l.Rows > 0 {
		n = l.Rows
	}
	if l.Bytes > 0 {
		n = min(n, max(1, l.Bytes/int64(s.make(0).mean())))
	}
	if n == unlimited && s.rate == 0 {
		return batchRows
	}
	return n
}

// cut divides the rows between two places among the partitions, whose rows are counted from 0.
func (s *Source) cut(from, to place) []dstream.Split {
	body, _ := json.Marshal(place{Start: from.Start, Digest: s.digest})
	var out []dstream.Split
	for p := range s.partitions {
		c := dstream.Split{Name: s.what + "/" + strconv.FormatInt(p, 10), From: s.share(from.Next, p), To: s.share(to.Next, p), Body: body}
		if c.From < c.To {
			out = append(out, c)
		}
	}
	return out
}

// share is how many of the first n rows are in partition p.
func (s *Source) share(n, p int64) int64 { return (n - p + s.partitions - 1) / s.partitions }

// Read makes the rows of a split.
func (s *Source) Read(ctx context.Context, c dstream.Split, to *dstream.Reader) (int64, error) {
	var at place
	if err := json.Unmarshal(c.Body, &at); err != nil {
		return 0, fmt.Errorf("generate split %s: %w", c.Name, err)
	}
	p, err := strconv.ParseInt(strings.TrimPrefix(c.Name, s.what+"/"), 10, 64)
	if err != nil || p < 0 || p >= s.partitions {
		return 0, fmt.Errorf("generate split %q is not of generate://%s with %d partitions", c.Name, s.what, s.partitions)
	}
	if err := s.check(at); err != nil {
		return 0, err
	}
	columns, err := bind(s.make(at.Start), s.rows)
	if err != nil {
		return 0, err
	}
	done := c.From
	for done < c.To && err == nil {
		if err := ctx.Err(); err != nil {
			return done - c.From, err
		}
		base, room := to.Block()
		n := int(min(int64(room), c.To-done))
		for i, f := range s.rows.Fields {
			columns[i](unsafe.Add(base, f.Offset), s.rows.Type.Size(), p+done*s.partitions, s.partitions, n)
		}
		done += int64(n)
		err = to.AddN(n)
	}
	return done - c.From, err
}
