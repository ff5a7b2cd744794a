package dstream

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// SourceOpener opens a source or table of an endpoint. It does no I/O beyond what tells whether the endpoint makes sense.
type SourceOpener func(Endpoint) (Connector, error)

// SinkOpener opens a sink of an endpoint.
type SinkOpener func(Endpoint) (RecordSink, error)

var (
	schemesMu sync.Mutex
	sources   = map[string]SourceOpener{}
	sinks     = map[string]SinkOpener{}
)

// RegisterSource makes a scheme known, as database/sql does for drivers: a connector calls it from init. It panics if the
// scheme is taken, since two connectors of one name are a bug of the build.
func RegisterSource(scheme string, open SourceOpener) { register(sources, "source", scheme, open) }

// RegisterSink makes a scheme known for sinks. It panics if the scheme is taken.
func RegisterSink(scheme string, open SinkOpener) { register(sinks, "sink", scheme, open) }

func register[O any](in map[string]O, what, scheme string, open O) {
	schemesMu.Lock()
	defer schemesMu.Unlock()
	if _, taken := in[scheme]; taken {
		panic("dstream: two " + what + " connectors for the scheme " + scheme)
	}
	in[scheme] = open
}

// opener finds the opener of an URL's scheme.
func opener[O any](in map[string]O, what, scheme string) (O, error) {
	schemesMu.Lock()
	defer schemesMu.Unlock()
	open, ok := in[scheme]
	if ok {
		return open, nil
	}
	known := slices.Sorted(maps.Keys(in))
	if len(known) == 0 {
		return open, fmt.Errorf("no %s connector is linked: start the job with `driver run`, or import _ \"github.com/tidemill/tidemill/connectors/all\"", what)
	}
	return open, fmt.Errorf("no %s connector for %s://; known are %s", what, scheme, strings.Join(known, "://, ")+"://")
}
