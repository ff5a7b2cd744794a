package format

import (
	"fmt"
	"math"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/dstream"
)

// options is what the parameters of an endpoint's URL say.
type options struct {
	format    string
	maxRecord int
	unit      unit
	sep       byte
	header    bool
}

// parameters lists what each format takes, in the order in which an error names them.
var parameters = map[string][]string{
	"json": {"format", "max_record", "time"},
	"csv":  {"format", "max_record", "time", "sep", "header"},
	"text": {"format", "max_record"},
}

var extensions = map[string]string{
	".json": "json", ".ndjson": "json", ".jsonl": "json", ".csv": "csv", ".txt": "text", ".log": "text",
}

var separators = map[string]byte{",": ',', ";": ';', "|": '|', "^": '^', "~": '~', "tab": '\t', "\t": '\t'}

// maxRecordLimit keeps a record far below what a column of a chunk can hold.
const maxRecordLimit = 256 << 20

// parse reads the parameters of e that are not the connector's own.
func parse(e dstream.Endpoint, own []string) (options, error) {
	o := options{maxRecord: 1 << 20, unit: millis, sep: ',', header: true}
	q, err := query(e.URL)
	if err != nil {
		return o, err
	}
	o.format = formatOf(e, q.Get("format"))
	valid, ok := parameters[o.format]
	if !ok {
		return o, fmt.Errorf("format=%s is not known: json, csv and text are", o.format)
	}
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := o.parameter(name, q[name], valid, own); err != nil {
			return o, err
		}
	}
	return o, nil
}

func query(u *url.URL) (url.Values, error) {
	if u == nil {
		return nil, nil
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("parameters ?%s: %w (in a URL write %%3B for ; and %%25 for %%)", u.RawQuery, err)
	}
	return q, nil
}

// formatOf is the format that was asked for, else the likely one.
func formatOf(e dstream.Endpoint, asked string) string {
	if asked != "" {
		return asked
	}
	if e.URL != nil {
		if f := extensions[strings.ToLower(path.Ext(e.URL.Opaque+e.URL.Path))]; f != "" {
			return f
		}
	}
	if oneString(e.Rows) {
		return "text"
	}
	return "json"
}

// parameter takes one parameter.
func (o *options) parameter(name string, values, valid, own []string) error {
	if slices.Contains(own, name) {
		return nil
	}
	if !slices.Contains(valid, name) {
		return fmt.Errorf("parameter %s is not known with format=%s: valid are %s", name, o.format, param.Listing(name, valid, own))
	}
	if len(values) != 1 {
		return fmt.Errorf("parameter %s is given %d times: give it once", name, len(values))
	}
	v := values[0]
	ok := true
	switch name {
	case "max_record":
		o.maxRecord, ok = size(v)
	case "time":
		o.unit, ok = units[v]
	case "sep":
		o.sep, ok = separators[v]
	case "header":
		o.header, ok = v == "true", v == "true" || v == "false"
	}
	if !ok {
		return fmt.Errorf("parameter %s=%s: want %s", name, v, wanted[name])
	}
	return nil
}

var wanted = map[string]string{
	"max_record": "a number of bytes from 1 to 256MiB, as 65536, 64KiB or 2MiB",
	"time":       "s, ms, us or ns",
	"sep":        "one of , ; | ^ ~ or the word tab",
	"header":     "true or false",
}

// size parses a number of bytes.
func size(s string) (int, bool) {
	unit := 1
	for suffix, bytes := range map[string]int{"KiB": 1 << 10, "MiB": 1 << 20} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = rest, bytes
		}
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > math.MaxInt/unit || n*unit > maxRecordLimit {
		return 0, false
	}
	return n * unit, true
}
