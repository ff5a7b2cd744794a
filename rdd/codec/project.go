package codec

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
)

// Projection binds the columns of a foreign record, a source's or a table's, to the
// fields of a codec's rows by name. It is immutable and safe for concurrent use.
type Projection struct {
	codec   *Codec
	readers []bound
	at      []int // of each reader's column in the record
}

// Project binds every field to the column of its name in s, the parts of nested
// structs likewise. Other columns are ignored. Where every value fits, a column's
// type may differ from the field's:
//   - narrower integers into wider ones, and into floats that hold them exactly;
//     float32 into float64;
//   - string and binary, with 32- or 64-bit offsets, into string and []byte;
//   - timestamps of s, ms or µs and dates into time.Time; durations and times of day
//     into time.Duration;
//   - lists with 64-bit offsets; dictionaries of any of these.
//
// A null in a column is an error of Decode unless its field is a pointer.
func (c *Codec) Project(s *arrow.Schema) (*Projection, error) {
	p := &Projection{codec: c}
	for i, col := range c.parts.columns {
		name := c.Fields[i].Name
		at, err := find(s.Fields(), name)
		if err != nil {
			return nil, err
		}
		b, err := bind(col, s.Field(at).Type)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
		p.readers, p.at = append(p.readers, b), append(p.at, at)
	}
	return p, nil
}

// Decode sets every field of the n rows of the codec's type, the first at rows, from
// a record of the projection's schema; otherwise as Codec.Decode.
func (p *Projection) Decode(rows unsafe.Pointer, n int, rec arrow.Record) error {
	w := p.codec.window(rows, n)
	for i, r := range p.readers {
		f := &p.codec.Fields[i]
		if int64(p.at[i]) >= rec.NumCols() {
			return fmt.Errorf("decode column %q: the record has only %d columns", f.Name, rec.NumCols())
		}
		if err := r.column(w.part(f.Offset), rec.Column(p.at[i]).Data()); err != nil {
			return fmt.Errorf("decode column %q: %w", f.Name, err)
		}
	}
	p.codec.parts.wipe(w)
	return nil
}

// find is the place of the only column of a name. Its error shows what there is.
func find(columns []arrow.Field, name string) (int, error) {
	at := -1
	names := make([]string, len(columns))
	for i, f := range columns {
		names[i] = f.Name
		if f.Name != name {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("two columns are named %q", name)
		}
		at = i
	}
	if at < 0 {
		return 0, fmt.Errorf("no column %q%s; there are %s", name, nearest(names, name), strings.Join(names, ", "))
	}
	return at, nil
}

// nearest is a question after the name that is a typing error or another spelling away.
func nearest(names []string, name string) string {
	best, least := "", len(name)/3+1
	for _, n := range names {
		if d := distance(plain(n), plain(name)); d <= least && (best == "" || d < least) {
			best, least = n, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// plain makes EventTime and event_time the same.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance is the Levenshtein distance of a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
