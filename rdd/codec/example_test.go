package codec_test

import (
	"bytes"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/rdd/codec"
	"github.com/tidemill/tidemill/rdd/ring"
)

type View struct {
	Ad    string    `col:"ad_id,partition"`
	At    time.Time `col:"at,key"`
	Price *int64
}

// Rows become a record, the record a frame, and back.
func Example() {
	c, err := codec.Of[View]()
	if err != nil {
		panic(err)
	}
	rec, err := codec.Encode(c, []View{{Ad: "a7", At: time.UnixMilli(1500).UTC()}})
	if err != nil {
		panic(err)
	}
	frame, err := codec.AppendFrame(nil, rec)
	if err != nil {
		panic(err)
	}
	rec, err = codec.ReadFrame(bytes.NewReader(frame), codec.Limits{})
	if err != nil {
		panic(err)
	}
	rows, err := codec.Decode[View](c, rec)
	fmt.Println(rec.Schema().Field(1).Type, rows[0].Ad, rows[0].At, rows[0].Price, err)
	// Output: timestamp[us, tz=UTC] a7 1970-01-01 00:00:01.5 +0000 UTC <nil> <nil>
}

// A type that cannot travel is an error that says where and what to do.
func ExampleOf() {
	type Session struct {
		User  string
		Inbox chan string
	}
	_, err := codec.Of[Session]()
	fmt.Println(err)
	// Output: Session.Inbox: no column can hold the type chan string: its values mean nothing outside this process, or tag the field col:"-" if rows may lose it
}

// A key's token places it on the ring: its key group, and the group's partition.
func ExampleKeyToken() {
	type Key struct {
		Campaign string
		Slot     int32
	}
	tokens, err := codec.KeyToken[Key]()
	if err != nil {
		panic(err)
	}
	out := make([]int64, 1)
	tokens([]Key{{"b", 0}}, out)
	group := ring.Group(ring.Token(out[0]), ring.DefaultGroups)
	fmt.Println(out[0], group, ring.Partition(group, ring.DefaultGroups, 4))
	// Output: -6240007832659262642 165 0
}
