package asof

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
)

func TestOldest(t *testing.T) {
	for _, c := range []struct {
		marks []mark
		want  mark
		level bool
	}{
		{[]mark{{5, 500}}, mark{5, 500}, true},
		{[]mark{{5, 500}, {5, 500}}, mark{5, 500}, true},
		{[]mark{{6, 600}, {5, 500}, {6, 600}}, mark{5, 500}, false},
		{[]mark{{1, 900}, {80, 800}}, mark{80, 800}, false}, // the job was started over, and the second sink has not written since
	} {
		if got := oldest(c.marks); got != c.want || level(c.marks) != c.level {
			t.Errorf("%v: got %v, level %v", c.marks, got, level(c.marks))
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		newest int64
		once   bool
		want   verdict
	}{
		{499, false, kept}, {501, false, kept}, {502, false, torn}, {502, true, left}, {501, true, kept}, {noTime, false, unknown}, {noTime, true, unknown},
	} {
		if got := verdictOf(c.newest, 500, c.once); got != c.want {
			t.Errorf("%d, once %v: got %d, want %d", c.newest, c.once, got, c.want)
		}
	}
}

// script gives the marks of one call after the other, the last for ever.
func script(steps ...[]mark) func(context.Context) ([]mark, error) {
	return func(context.Context) ([]mark, error) {
		got := steps[0]
		if len(steps) > 1 {
			steps = steps[1:]
		}
		return got, nil
	}
}

func TestAttempts(t *testing.T) {
	at := func(batches ...int64) (out []mark) {
		for _, b := range batches {
			out = append(out, mark{b, b * 1000})
		}
		return out
	}
	overwritten := &TornError{Table: "ks.t", Key: "id = 1", Written: 9}
	for _, c := range []struct {
		name  string
		marks [][]mark
		torn  map[int64]*TornError // what the read of a batch finds
		once  bool
		want  string // the batches that were read as of
		fault string
	}{
		{"all quiet", [][]mark{at(5, 5)}, nil, false, "5", ""},
		{"a sink is ahead, then it is not", [][]mark{at(6, 5), at(6, 6)}, nil, false, "6", ""},
		{"written once, no need to wait", [][]mark{at(6, 5), at(6, 6)}, nil, true, "5", ""},
		{"ahead for ever", [][]mark{at(6, 5)}, nil, false, "5", ""},
		{"overwritten, then not", [][]mark{at(5, 5), at(5, 5), at(6, 5), at(6, 6)}, map[int64]*TornError{5000: overwritten}, false, "5 6", ""},
		{"a batch meanwhile", [][]mark{at(5, 5), at(6, 5), at(6, 5), at(6, 6)}, nil, false, "5 6", ""},
		{"a batch meanwhile, written once", [][]mark{at(5, 5), at(6, 5)}, nil, true, "5", ""},
		{"overwritten, and nothing comes", [][]mark{at(5, 5)}, map[int64]*TornError{5000: overwritten}, false, "5", "no other batch was committed"},
		{"always overwritten", [][]mark{at(5, 5), at(6, 6), at(7, 7), at(8, 8), at(9, 9)},
			map[int64]*TornError{5000: overwritten, 6000: overwritten, 7000: overwritten}, false, "5 6 7", "as of batch 7 (1970-01-01T00:00:00.007000Z), after 3 attempts: the row of ks.t WHERE id = 1 was written by a later batch"},
		{"always a batch meanwhile", [][]mark{at(5, 5), at(6, 6), at(7, 7), at(8, 8), at(9, 9), at(10, 10)}, nil, false, "5 7 9", "each time a batch was committed"},
	} {
		o := Options{Attempts: 3, Patience: 20 * time.Millisecond, Sinks: []Sink{{WrittenOnce: true}, {WrittenOnce: c.once}}}
		got := ""
		err := attempts(t.Context(), o, script(c.marks...), func(m mark) (*TornError, error) {
			got = strings.TrimSpace(fmt.Sprint(got, " ", m.batch))
			if e := c.torn[m.ts]; e != nil {
				copied := *e
				return &copied, nil
			}
			return nil, nil
		})
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: read as of %s, want %s; %v, want %q", c.name, got, c.want, err, c.fault)
		}
	}
}

func TestAttemptsEnd(t *testing.T) {
	boom := errors.New("boom")
	o := Options{Attempts: 3, Patience: time.Hour, Sinks: []Sink{{}}}
	if err := attempts(t.Context(), o, script([]mark{{1, 1}}), func(mark) (*TornError, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	if err := attempts(t.Context(), o, func(context.Context) ([]mark, error) { return nil, boom }, nil); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := attempts(ctx, o, script([]mark{{1, 1}}), func(mark) (*TornError, error) {
		cancel() // while it waits for the next batch
		return &TornError{}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"name the job":          {Sinks: []Sink{{Name: "a", Table: "k.t"}}},
		"at least one":          {Job: "j"},
		"both are needed":       {Job: "j", Sinks: []Sink{{Name: "a", Table: "t"}}},
		"the sink a is named t": {Job: "j", Sinks: []Sink{{Name: "a", Table: "k.t"}, {Name: "a", Table: "k.u"}}},
		"":                      {Job: "j", Sinks: []Sink{{Name: "a", Table: "k.t"}}},
	} {
		got, err := o.withDefaults()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err == nil && (got.Attempts != 10 || got.Patience != 10*time.Second || got.Consistency != gocql.LocalQuorum) {
			t.Errorf("got %+v", got)
		}
	}
}
