package kafka

import (
	"bytes"
	"math"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"pgregory.net/rapid"
)

func FuzzOffsets(f *testing.F) {
	f.Add([]byte(`{"topics":{"in":{"id":"R0eA6kLPpyChLIEGTaeGgg","next":[1,2]}},"until":{"in":[3,4]}}`))
	f.Add([]byte(`{"topics":{"in":null}}`))
	f.Add([]byte(`{"topics":{"a/b":{"id":"","next":[-1]}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		at, err := parsePlace(raw)
		if err != nil {
			return
		}
		first, err := at.clone().offsets()
		if err != nil {
			t.Fatal(err)
		}
		again, err := parsePlace(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.offsets(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("in/0", int64(0), int64(5), []byte("0123456789abcdef"))
	f.Add("in/00", int64(5), int64(0), []byte(""))
	f.Add("a/b/2147483648", int64(-1), int64(math.MaxInt64), []byte("x"))
	f.Fuzz(func(t *testing.T, name string, from, to int64, body []byte) {
		topic, partition, _, err := parseSplit(dstream.Split{Name: name, From: from, To: to, Body: body})
		if err == nil && (splitName(topic, partition) != name || from < 0 || from > to) {
			t.Errorf("%q [%d, %d) is taken for %s/%d", name, from, to, topic, partition)
		}
	})
}

func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(0, 1<<50).Draw(t, "limit")
		lags := rapid.SliceOfN(rapid.Int64Range(0, 1<<50), 0, 20).Draw(t, "lags")
		var sum, total int64
		for i, n := range shares(limit, lags) {
			if n < 0 || n > lags[i] || lags[i] > 0 && n == 0 {
				t.Fatalf("share %d of %d", n, lags[i])
			}
			sum, total = sum+n, total+lags[i]
		}
		switch {
		case limit == 0 || total <= limit:
			if sum != total {
				t.Fatalf("%d of %d, within the limit %d", sum, total, limit)
			}
		case sum > limit+int64(len(lags)) || sum < limit-int64(len(lags)):
			t.Fatalf("%d of %d, limit %d", sum, total, limit)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		p := &planned{topic: "in", next: rapid.Int64Range(0, 1<<50).Draw(t, "from")}
		n, split := rapid.Int64Range(0, 1<<40).Draw(t, "n"), rapid.Int64Range(1, 1<<30).Draw(t, "split")
		at := p.next
		for _, s := range p.cut(n, split) {
			if s.From != at || s.To <= s.From {
				t.Fatalf("split [%d, %d) behind %d", s.From, s.To, at)
			}
			at = s.To
		}
		if at != p.next+n {
			t.Fatalf("the splits end at %d of %d", at, p.next+n)
		}
	})
}
