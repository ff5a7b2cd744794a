package avro

import (
	"fmt"

	"github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/dstream"
)

// Open returns a function that makes decoders of an endpoint's records, by the parameters of its URL. own names those of the
// connector itself, which are left to it. Decoders are also a registry.User and a registry.Checker.
func Open(e dstream.Endpoint, own ...string) (func() format.Decoder, error) {
	o, err := registry.Parse(e, "avro", nil, own)
	if err != nil {
		return nil, err
	}
	open, err := o.Open("AVRO", func(s *registry.Schema) (registry.Plan, error) {
		parsed, err := parse(s)
		if err != nil {
			return nil, err
		}
		return newPlan(parsed, e.Rows, o.Unit)
	})
	if err != nil {
		return nil, fmt.Errorf("format of %q: %w", e.Name, err)
	}
	return open, nil
}

// parse reads a schema, with names of its own: the default cache of the library is one for the whole process, in which two
// registries' types of one name would be one.
func parse(s *registry.Schema) (avro.Schema, error) {
	cache := &avro.SchemaCache{}
	for _, r := range s.References {
		if _, err := avro.ParseWithCache(r.Text, "", cache); err != nil {
			return nil, fmt.Errorf("its reference %q is no Avro schema: %w", r.Name, err)
		}
	}
	parsed, err := avro.ParseWithCache(s.Text, "", cache)
	if err != nil {
		return nil, fmt.Errorf("is no Avro schema: %w", err)
	}
	return parsed, nil
}
