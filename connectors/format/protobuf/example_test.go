package protobuf_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/connectors/format/protobuf"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
	"github.com/tidemill/tidemill/rdd/codec"
)

type click struct {
	Ad    string    `col:"ad_id"`
	Kind  string    `col:"kind"`
	At    time.Time `col:"at"`
	Price *float64  `col:"price"`
}

// Records of a message in a file become rows; of their fields those are decoded that the row has.
func Example() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "click.proto")
	_ = os.WriteFile(path, []byte(`syntax = "proto3";
		import "google/protobuf/timestamp.proto";
		enum Kind { VIEW = 0; CLICK = 1; }
		message Click {
			string ad_id = 1;
			string page = 2;
			Kind kind = 3;
			google.protobuf.Timestamp at = 4;
			optional double price = 5;
		}`), 0o600)

	rows, _ := codec.Of[click]()
	u, _ := url.Parse("kafka://127.0.0.1:9092/clicks?format=protobuf&schema=" + url.QueryEscape(path))
	open, err := protobuf.Open(dstream.Endpoint{Name: "clicks", URL: u, Rows: rows})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, _ := rdd.NewBuilder[click](10, func(c rdd.Chunk) bool {
		for _, r := range c.(*rdd.Rows[rdd.None, click]).Vals {
			fmt.Println(r.Ad, r.Kind, r.At.Format(time.RFC3339), r.Price)
		}
		return true
	})
	to := &dstream.Reader{Builder: b, Reject: func(r dstream.BadRecord) error {
		fmt.Println(r.Position, r.Reason)
		return nil
	}}
	d := open()
	_ = d.DecodeRecord([]byte("\x0a\x02a1\x18\x01\x22\x06\x08\x80\xe2\xcf\xaa\x06"), "clicks/0@0", to)
	_ = d.DecodeRecord([]byte("\x0a\x02a2"), "clicks/0@1", to)
	_ = b.Flush()
	// Output:
	// clicks/0@1 field "at" is missing
	// a1 CLICK 2023-11-14T22:13:20Z <nil>
}
