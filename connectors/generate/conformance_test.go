package generate

import (
	"net/url"
	"testing"

	"github.com/tidemill/tidemill/connectors/conformance"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd/codec"
)

func TestConformance(t *testing.T) {
	var want []Ad
	for n := range int64(500) {
		want = append(want, AdEvent(9, n))
	}
	conformance.Source(t, conformance.Input[Ad]{
		Open: func(string) (dstream.Connector, error) {
			u, err := url.Parse("generate://ads?seed=9&events=500&partitions=3")
			if err != nil {
				return nil, err
			}
			c, err := codec.Of[Ad]()
			if err != nil {
				return nil, err
			}
			return open(dstream.Endpoint{URL: u, Rows: c})
		},
		Rows: want,
	})
}
