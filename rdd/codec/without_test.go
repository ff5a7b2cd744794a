package codec_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/tidemill/tidemill/rdd/codec"
)

type message struct {
	ID   string
	Key  *string
	At   time.Time
	N    int64
	Tags map[string]string
}

func TestWithout(t *testing.T) {
	all, err := codec.Of[message]()
	if err != nil {
		t.Fatal(err)
	}
	some := all.Without("Key", "Tags")
	var names string
	for _, f := range some.Fields {
		names += f.Name + " "
	}
	if names != "ID At N " || some.Schema().String() == all.Schema().String() || len(all.Fields) != 5 {
		t.Fatalf("left are %q of %d", names, len(all.Fields))
	}
	key := "k"
	rows := []message{{"a", &key, time.UnixMilli(5).UTC(), 7, map[string]string{"x": "y"}}}
	cols, err := some.Encode(unsafe.Pointer(&rows[0]), 1)
	if err != nil || len(cols) != 3 {
		t.Fatalf("%d columns, %v", len(cols), err)
	}
	got := []message{{Key: &key, Tags: map[string]string{"old": "row"}}}
	if err := some.Decode(unsafe.Pointer(&got[0]), 1, cols); err != nil {
		t.Fatal(err)
	}
	if g := got[0]; g.ID != "a" || g.N != 7 || !g.At.Equal(rows[0].At) || g.Key != nil || g.Tags != nil {
		t.Errorf("got %+v", g)
	}
	defer func() {
		if recover() == nil {
			t.Error("a name that is no column's was taken")
		}
	}()
	all.Without("key")
}
