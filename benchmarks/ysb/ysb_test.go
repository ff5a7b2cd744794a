package ysb

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// All ways to do the job agree with the obvious one, at both spacings and with batches that cut windows.
func TestAllWaysAgree(t *testing.T) {
	for _, spacing := range []time.Duration{100 * time.Microsecond, 10 * time.Millisecond} {
		l := load(t, Shape{Events: 20_000, Spacing: spacing, Rows: true, NDJSON: true})
		want, bare := l.Want(), NewBare(l.Campaigns)
		lines := func(batch, splits int) *Source {
			s, err := Lines(l, batch, splits)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		ways := map[string]func() ([]Views, error){
			"bare, rows":     func() ([]Views, error) { return bare.Rows(l.Rows), nil },
			"steps, rows":    func() ([]Views, error) { return BySteps(l.Campaigns, l.Rows), nil },
			"bare, NDJSON":   func() ([]Views, error) { return bare.NDJSON(l.NDJSON), nil },
			"alone, rows":    func() ([]Views, error) { return views(Alone(l, Rows(l, 0, 1))) },
			"alone, NDJSON":  func() ([]Views, error) { return views(Alone(l, lines(0, 1))) },
			"engine, rows":   func() ([]Views, error) { return views(Run(l, Rows(l, 7_000, 2), Engine{Parallelism: 2})) },
			"engine, NDJSON": func() ([]Views, error) { return views(Run(l, lines(7_000, 3), Engine{Parallelism: 2})) },
		}
		for name, way := range ways {
			t.Run(name+" "+spacing.String(), func(t *testing.T) {
				got, err := way()
				if err != nil {
					t.Fatal(err)
				}
				if err := Check(want, got); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func views(r *Result, err error) ([]Views, error) {
	if err != nil {
		return nil, err
	}
	return r.Views, nil
}

func TestBareCopesWithAnyOrder(t *testing.T) {
	l := load(t, Shape{Events: 5_000, Spacing: 10 * time.Millisecond, Rows: true})
	for i, j := 0, len(l.Rows)-1; i < j; i, j = i+2, j-2 {
		l.Rows[i], l.Rows[j] = l.Rows[j], l.Rows[i]
	}
	if err := Check(l.Want(), NewBare(l.Campaigns).Rows(l.Rows)); err != nil {
		t.Fatal(err)
	}
}

func TestCheckSeesEveryKindOfMistake(t *testing.T) {
	l := load(t, Shape{Events: 1_000, Rows: true})
	right := NewBare(l.Campaigns).Rows(l.Rows)
	for _, c := range []struct {
		name, says string
		spoil      func([]Views) []Views
	}{
		{"a count", "want", func(v []Views) []Views { v[3].Views++; return v }},
		{"a row too few", "missing", func(v []Views) []Views { return v[1:] }},
		{"a row twice", "twice", func(v []Views) []Views { return append(v, v[0]) }},
		{"a row too many", "should not be there", func(v []Views) []Views { return append(v, Views{"nobody's", time.Unix(0, 0), 1}) }},
		{"another window", "should not be there", func(v []Views) []Views { v[0].Window = v[0].Window.Add(window); return v }},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check(l.Want(), c.spoil(append([]Views(nil), right...)))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want an error that says %q", err, c.says)
			}
		})
	}
}
