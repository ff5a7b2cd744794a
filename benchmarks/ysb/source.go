package ysb

import (
	"context"
	"fmt"
	"strconv"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

// span reads a part of the input, which is counted in the source's own unit.
type span func(from, to int64, r *dstream.Reader) (fetched int64, err error)

// Source is input in memory that is given out in batches of equal size, each cut into as many splits as tasks shall read it.
type Source struct {
	units   int64 // rows, or places at which the NDJSON is cut
	batch   int64 // units of a batch
	splits  int64
	read    span
	records int64
}

// Rows is a source of the load's rows in batches of that many, 0 = all in one, each in so many splits.
func Rows(l *Load, batch, splits int) *Source {
	return memory(int64(len(l.Rows)), int64(batch), int64(splits), int64(len(l.Rows)), copyRows(l.Rows))
}

func memory(units, batch, splits, records int64, read span) *Source {
	if batch <= 0 {
		batch = units
	}
	return &Source{units: units, batch: batch, splits: max(splits, 1), read: read, records: records}
}

func copyRows[T any](rows []T) span {
	return func(from, to int64, r *dstream.Reader) (int64, error) {
		for rest := rows[from:to]; len(rest) > 0; {
			n := copy(rdd.BlockOf[T](r.Builder), rest)
			if err := r.AddN(n); err != nil {
				return 0, err
			}
			rest = rest[n:]
		}
		return to - from, nil
	}
}

// Lines is a source of the load's NDJSON in batches of about that many events, 0 = all in one. Its bytes go through the decoder
// that the connectors use.
func Lines(l *Load, batch, splits int) (*Source, error) {
	rows, err := codec.Of[Ad]()
	if err != nil {
		return nil, err
	}
	open, err := format.Open(dstream.Endpoint{Name: "ads", Rows: rows})
	if err != nil {
		return nil, err
	}
	ends := append([]int{0}, l.ends...)
	if last := len(ends) - 1; ends[last] < len(l.NDJSON) {
		ends = append(ends, len(l.NDJSON))
	}
	read := func(from, to int64, r *dstream.Reader) (int64, error) {
		return decode(open(), l.NDJSON[ends[from]:ends[to]], ends[from], r)
	}
	perBatch := 0
	if batch > 0 {
		perBatch = max(batch/lineStep, 1)
	}
	return memory(int64(len(ends)-1), int64(perBatch), int64(splits), int64(l.Shape.Events), read), nil
}

// fetch is how many bytes a connector hands to the decoder at a time.
const fetch = 1 << 20

func decode(d format.Decoder, buf []byte, offset int, r *dstream.Reader) (records int64, err error) {
	d.Start([]byte("\n")) // not at the beginning of a file
	for at := 0; at < len(buf); {
		end := min(at+fetch, len(buf))
		position := func(i int) string { return "byte " + strconv.Itoa(offset+at+i) }
		n, k, err := d.Decode(buf[at:end:end], end == len(buf), position, r)
		records += k
		if err != nil {
			return records, err
		}
		at += n
	}
	return records, nil
}

// Plan takes the next batch. Nothing is ever due later: the source is as fast as the engine.
func (s *Source) Plan(_ context.Context, from dstream.Offsets, _ dstream.Limit) (dstream.Range, error) {
	at, err := parseOffset(from)
	if err != nil {
		return dstream.Range{}, err
	}
	to := min(at+s.batch, s.units)
	r := dstream.Range{To: dstream.Offsets(strconv.FormatInt(to, 10)), Ended: to == s.units}
	for i := range s.splits {
		split := dstream.Split{Name: strconv.FormatInt(i, 10), From: at + (to-at)*i/s.splits, To: at + (to-at)*(i+1)/s.splits}
		r.Splits = append(r.Splits, split)
	}
	return r, nil
}

func parseOffset(o dstream.Offsets) (int64, error) {
	if len(o) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(o), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("offset %q: %w", o, err)
	}
	return n, nil
}

// Read gives the rows of a split.
func (s *Source) Read(_ context.Context, split dstream.Split, to *dstream.Reader) (int64, error) {
	return s.read(split.From, split.To, to)
}

// Table is the source of the campaigns.
func (l *Load) Table() *Source {
	return memory(int64(len(l.Campaigns)), 0, 1, int64(len(l.Campaigns)), copyRows(l.Campaigns))
}
