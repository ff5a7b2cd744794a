package status

import (
	"strings"
	"testing"
	"time"
)

func TestWaits(t *testing.T) {
	now := time.Unix(1000, 0)
	b := NewBoard(Options{Now: func() time.Time { return now }})
	first := b.Wait("kafka b1:9092: refused")
	now = now.Add(3 * time.Second)
	second := b.Wait("cassandra n1:9042: refused")
	again := b.Wait("kafka b1:9092: refused")
	if got := b.Waits(); len(got) != 2 || got[0].What != "kafka b1:9092: refused" || !got[0].Since.Equal(time.Unix(1000, 0)) {
		t.Fatalf("got %+v", got)
	}
	if page := b.index(query{n: 10}); len(page.Waits) != 2 || !strings.Contains(page.Waits[0], "kafka b1:9092: refused, for 3") {
		t.Errorf("the page shows %q", page.Waits)
	}
	if took := first(); took != 3*time.Second {
		t.Errorf("waited %v", took)
	}
	if got := b.Waits(); len(got) != 2 {
		t.Errorf("one of two who wait for the broker is done, and the wait is gone: %+v", got)
	}
	second()
	again()
	if got := b.Waits(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
