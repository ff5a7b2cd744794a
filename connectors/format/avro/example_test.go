package avro_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	hamba "github.com/hamba/avro/v2"
	"github.com/tidemill/tidemill/connectors/format/avro"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

type click struct {
	Ad    string  `col:"ad_id"`
	Price float64 `col:"price"`
}

// Records of a schema in a file become rows; of their fields those are decoded that the row has.
func Example() {
	schema := hamba.MustParse(`{"type": "record", "name": "Click", "fields": [
		{"name": "ad_id", "type": "string"}, {"name": "page", "type": "string"},
		{"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}]}`)
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "click.avsc")
	_ = os.WriteFile(path, []byte(schema.String()), 0o600)

	rows, _ := codec.Of[click]()
	u, _ := url.Parse("kafka://127.0.0.1:9092/clicks?format=avro&schema=" + url.QueryEscape(path))
	open, err := avro.Open(dstream.Endpoint{Name: "clicks", URL: u, Rows: rows})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, _ := rdd.NewBuilder[click](10, func(c rdd.Chunk) bool {
		fmt.Println(c.(*rdd.Rows[rdd.None, click]).Vals)
		return true
	})
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error {
		fmt.Println(r.Position, r.Reason)
		return nil
	}}
	d := open()
	_ = d.DecodeRecord([]byte("\x04a1\x02p\x04\x04\xce"), "clicks/0@0", to)
	_ = d.DecodeRecord([]byte("\x04a1\x02p\x04\x04"), "clicks/0@1", to)
	_ = b.Flush()
	// Output:
	// clicks/0@1 field "price" ends too early, at byte 5
	// [{a1 12.3}]
}
