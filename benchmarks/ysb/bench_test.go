package ysb

import "testing"

func load(tb testing.TB, s Shape) *Load {
	tb.Helper()
	l, err := Make(s)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func perRow(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows)/float64(b.N), "ns/row")
}

func BenchmarkBareRows(b *testing.B) {
	l := load(b, Shape{Events: 1 << 18, Rows: true})
	bare := NewBare(l.Campaigns)
	for b.Loop() {
		bare.Rows(l.Rows)
	}
	perRow(b, len(l.Rows))
}

func BenchmarkBareNDJSON(b *testing.B) {
	l := load(b, Shape{Events: 1 << 18, NDJSON: true})
	bare := NewBare(l.Campaigns)
	for b.Loop() {
		bare.NDJSON(l.NDJSON)
	}
	perRow(b, l.Shape.Events)
}

func BenchmarkAloneRows(b *testing.B) {
	l := load(b, Shape{Events: 1 << 18, Rows: true})
	s := Rows(l, 0, 1)
	for b.Loop() {
		if _, err := Alone(l, s); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, len(l.Rows))
}

func BenchmarkAloneNDJSON(b *testing.B) {
	l := load(b, Shape{Events: 1 << 18, NDJSON: true})
	s, err := Lines(l, 0, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Alone(l, s); err != nil {
			b.Fatal(err)
		}
	}
	perRow(b, l.Shape.Events)
}
