package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/connectors/format/internal/slot"
	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/internal/secure"
	"github.com/tidemill/tidemill/dstream"
)

// Options is what the parameters of an endpoint's URL say.
type Options struct {
	Format    string    // avro or protobuf
	Schema    string    // file with the schema of all records, or empty
	Message   string    // protobuf: full name of the message, or empty
	Import    string    // protobuf: folder where imports of Schema are found, or empty
	MaxRecord int       // bytes
	Unit      slot.Unit // of times that are bare numbers

	address *url.URL // of the registry; nil = there is none
	tls     *tls.Config
}

// maxRecordLimit keeps a record far below what a column of a chunk can hold.
const maxRecordLimit = 256 << 20

// Parse reads the parameters of an endpoint of a format. more are those that only this format has, of message and import; own are
// those of the connector, which are left to it. Any other is an error that names the valid ones. No error shows a registry's password.
func Parse(e dstream.Endpoint, format string, more, own []string) (*Options, error) {
	o := &Options{Format: format, MaxRecord: 1 << 20, Unit: slot.Millis}
	q, err := url.ParseQuery(e.URL.RawQuery)
	if err == nil {
		err = o.read(q, more, own)
	} else {
		err = errors.New("the parameters behind the ? cannot be read: in a URL write %3B for ; and %25 for %")
	}
	if err != nil {
		return nil, fmt.Errorf("format of %q: %w", e.Name, err)
	}
	return o, nil
}

func (o *Options) read(q url.Values, more, own []string) error {
	valid := slices.Concat([]string{"format", "max_record", "time", "schema", "registry", "registry_ca", "registry_cert", "registry_key"}, more)
	for _, name := range slices.Sorted(maps.Keys(q)) {
		switch {
		case slices.Contains(own, name):
		case !slices.Contains(valid, name):
			return fmt.Errorf("parameter %s is not known with format=%s: valid are %s", name, o.Format, param.Listing(name, valid, own))
		case len(q[name]) != 1:
			return fmt.Errorf("parameter %s is given %d times: give it once", name, len(q[name]))
		}
	}
	o.Schema, o.Message, o.Import = q.Get("schema"), q.Get("message"), q.Get("import")
	ok := true
	if v := q.Get("max_record"); q.Has("max_record") {
		if o.MaxRecord, ok = size(v); !ok {
			return fmt.Errorf("parameter max_record=%s: want a number of bytes from 1 to 256MiB, as 65536, 64KiB or 2MiB", v)
		}
	}
	if v := q.Get("time"); q.Has("time") {
		if o.Unit, ok = slot.UnitOf(v); !ok {
			return fmt.Errorf("parameter time=%s: want s, ms, us or ns", v)
		}
	}
	return o.source(q)
}

// source reads where schemas come from.
func (o *Options) source(q url.Values) (err error) {
	if q.Has("registry") {
		if o.address, err = address(q.Get("registry")); err != nil {
			return err
		}
	}
	switch {
	case o.Schema == "" && o.address == nil:
		return fmt.Errorf("format=%s needs schema=, a file, or registry=, the address of a schema registry", o.Format)
	case o.Import != "" && o.Schema == "":
		return errors.New("import= says where the imports of schema= are, and that is not given")
	}
	o.tls, err = secured(q, o.address)
	return err
}

func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("parameter registry: want http(s)://[user:password@]host[:port], encoded for a URL: registry=http%3A%2F%2F127.0.0.1%3A8081")
	}
	return u, nil
}

var secureNames = []string{"ca", "cert", "key"}

// secured reads the parameters of the registry's TLS by those of any connection, whose names are the same but for the prefix.
func secured(q url.Values, address *url.URL) (*tls.Config, error) {
	plain := url.Values{}
	for _, name := range secureNames {
		if v := q.Get("registry_" + name); v != "" {
			plain.Set(name, v)
		}
	}
	if address == nil || address.Scheme != "https" {
		if len(plain) > 0 {
			return nil, errors.New("registry_ca, registry_cert and registry_key mean nothing without registry=https://…")
		}
		return nil, nil
	}
	plain.Set("tls", "true")
	config, err := secure.TLS(param.Of(&url.URL{RawQuery: plain.Encode()}))
	if err != nil {
		return nil, fmt.Errorf("TLS of the registry: registry_%w", err)
	}
	return config, nil
}

// Hide returns u with what is secret in a parameter registry hidden, for messages: u.Redacted sees only the password of u itself.
func Hide(u *url.URL) *url.URL {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || !q.Has("registry") {
		return u
	}
	for i, text := range q["registry"] {
		q["registry"][i] = "xxxxx"
		if r, err := url.Parse(text); err == nil {
			q["registry"][i] = r.Redacted()
		}
	}
	hidden := *u
	hidden.RawQuery = q.Encode()
	return &hidden
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

// Indexed tells whether records begin with the header of a registry, which Protobuf follows up with an index.
func (o *Options) Indexed() bool { return o.address != nil }
