package protobuf

import (
	"fmt"

	"github.com/tidemill/tidemill/connectors/format"
	"github.com/tidemill/tidemill/connectors/format/registry"
	"github.com/tidemill/tidemill/dstream"
)

// Open returns a function that makes decoders of an endpoint's records, by the parameters of its URL. own names those of the
// connector itself, which are left to it. Decoders are also a registry.User and a registry.Checker.
func Open(e dstream.Endpoint, own ...string) (func() format.Decoder, error) {
	o, err := registry.Parse(e, "protobuf", []string{"message", "import"}, own)
	if err != nil {
		return nil, err
	}
	open, err := o.Open("PROTOBUF", func(s *registry.Schema) (registry.Plan, error) {
		file, err := parse(s, o.Import)
		if err != nil {
			return nil, err
		}
		if s.File != "" {
			return newLocal(file, o, e.Rows)
		}
		return newIndexed(s.Name, file, o, e.Rows), nil
	})
	if err != nil {
		return nil, fmt.Errorf("format of %q: %w", e.Name, err)
	}
	return open, nil
}
