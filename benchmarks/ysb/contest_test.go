package ysb

import (
	"strings"
	"testing"

	"github.com/tidemill/tidemill/benchmarks/measure"
)

// A contestant with one wrong count gets no time, nor does anyone beside it.
func TestWrongResultHasNoTime(t *testing.T) {
	l := load(t, Shape{Events: 1_000, Rows: true})
	bare := NewBare(l.Campaigns)
	honest := contestant{"honest", byHand(func() []Views { return bare.Rows(l.Rows) })}
	planted := contestant{"planted", func() ([]Views, measure.Cost, error) {
		got, cost, err := honest.run()
		got[len(got)/2].Views++
		return got, cost, err
	}}
	for _, c := range []struct{ yardstick, other contestant }{{honest, planted}, {planted, honest}} {
		var out strings.Builder
		err := contest(&out, l.Want(), 1_000, 2, c.yardstick, []contestant{c.other})
		if err == nil || !strings.Contains(err.Error(), "planted: the result is wrong") {
			t.Fatalf("got %v", err)
		}
		if out.Len() > 0 {
			t.Fatalf("times of a wrong result:\n%s", &out)
		}
	}
}
