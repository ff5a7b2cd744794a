package schedule

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string // of the error; empty: none
	}{
		{Options{}, "interval 0s: must be above zero"},
		{Options{Interval: -time.Second}, "interval -1s"},
		{Options{Interval: time.Second, StageAttempts: -1}, "stage attempts -1"},
		{Options{Interval: time.Second, Committed: -1}, "last committed batch -1"},
		{Options{Interval: time.Second, Last: -1}, "tick -1"},
		{Options{Interval: time.Second, SpeculateQuantile: 1.1}, "1.1 of the tasks"},
		{Options{Interval: time.Second, SpeculateAfter: -1}, "-1 of the interval"},
		{Options{Interval: time.Second, AsideFor: -1}, "set aside for -1ns"},
		{Options{Interval: time.Second, AsideWithin: -1}, "failures within -1ns"},
		{Options{Interval: time.Second}, ""},
	} {
		_, err := New(c.o)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}

func TestOptionDefaults(t *testing.T) {
	slow := Options{Interval: time.Minute, Retries: 4, StageAttempts: 4, LocalityWait: time.Second, StateWait: time.Second, Speculate: 1.5, SpeculateQuantile: 0.75,
		SpeculateAfter: 0.25, AsideAfter: 4, AsideWithin: time.Minute, AsideFor: time.Minute, NoWorkerWait: time.Minute}
	quick := slow
	quick.Interval, quick.LocalityWait, quick.StateWait, quick.NoWorkerWait = 100*time.Millisecond, 10*time.Millisecond, 200*time.Millisecond, time.Second
	never := slow
	never.Retries, never.LocalityWait, never.StateWait, never.Speculate, never.AsideAfter, never.NoWorkerWait = 0, 0, 0, -1, -1, -1
	for _, c := range []struct{ in, want Options }{
		{Options{Interval: time.Minute}, slow},
		{Options{Interval: 100 * time.Millisecond}, quick},
		{Options{Interval: time.Minute, Retries: -1, LocalityWait: -1, StateWait: -1, Speculate: -1, AsideAfter: -1, NoWorkerWait: -1}, never},
	} {
		if got, err := c.in.withDefaults(); got != c.want || err != nil {
			t.Errorf("%+v: got %+v, %v", c.in, got, err)
		}
	}
}

var errRow = errors.New("row 7: not a number")

// TestErrorsStayTyped follows an error from a task, a body, a sink, the planner and the log to Halt.
func TestErrorsStayTyped(t *testing.T) {
	task := TaskID{1, 0, 0, 0, 1}
	run := []Event{WorkerUp{"w1", 1}, Due{1}, Planned{Batch: 1, Stages: []Stage{{Parts: 1, Granted: true}}, Bodies: true}, PlanLogged{1}}
	bodies := append(slices.Clone(run), TaskDone{task, "w1"})
	granted := append(slices.Clone(bodies), BodiesDone{Batch: 1})
	for _, c := range []struct {
		name   string
		events []Event
		last   []Event
		as     any // a pointer to the type that must be in the chain
		open   bool
	}{
		{"task", run, []Event{TaskFailed{task, "w1", FailBatch, errRow}, AbortLogged{1}}, new(*TaskError), false},
		{"body", bodies, []Event{BodiesDone{1, errRow}, AbortLogged{1}}, new(*BatchError), false},
		{"sink", granted, []Event{PublishFailed{1, "w1", 1, FailJob, errRow}}, new(*PublishError), true},
		{"planner", run[:2], []Event{PlanFailed{1, FailBatch, errRow}}, nil, false},
		{"log", run[:3], []Event{LogFailed{1, errRow}}, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := halt(t, append(slices.Clone(c.events), c.last...))
			if !errors.Is(h.Err, errRow) || h.Class == Retry {
				t.Fatalf("halt %v %v does not wrap %v", h.Class, h.Err, errRow)
			}
			if c.as != nil && !errors.As(h.Err, c.as) {
				t.Errorf("%v has no %T", h.Err, c.as)
			}
			var b *BatchError
			if errors.As(h.Err, &b) && b.Open != c.open {
				t.Errorf("plan left open: %v, want %v", b.Open, c.open)
			}
		})
	}
}

func halt(t *testing.T, events []Event) Halt {
	t.Helper()
	s, err := New(Options{Interval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var last Command
	for _, e := range events {
		for _, c := range s.Step(time.Time{}, e) {
			last = c
		}
	}
	h, ok := last.(Halt)
	if !ok || !s.Halted() || s.Step(time.Time{}, Due{99}) != nil {
		t.Fatalf("last command %v, halted %v", last, s.Halted())
	}
	return h
}

func TestOutputsOfNothing(t *testing.T) {
	s, err := New(Options{Interval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []Event{Due{1}, Planned{Batch: 1, Stages: []Stage{{Parts: 1}}}, PlanLogged{1}} {
		s.Step(time.Time{}, e)
	}
	for _, c := range [][3]int{{1, 0, 0}, {2, 0, 0}, {1, 1, 0}, {1, -1, 0}, {1, 0, 1}, {1, 0, -1}} {
		if got := s.Outputs(nil, int64(c[0]), c[1], c[2]); got != nil {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// TestCommandsMayBeKept runs two batches and checks that the second does not write into the first one's commands.
func TestCommandsMayBeKept(t *testing.T) {
	l := newLoop(2, 2, []Stage{{Parts: 8, Granted: true}})
	var kept, copied [][]TaskID
	keep := func(tasks []TaskID) { kept, copied = append(kept, tasks), append(copied, slices.Clone(tasks)) }
	for tick := range Tick(2) {
		l.pending = []Event{Due{tick + 1}}
		for i := 0; i < len(l.pending); i++ {
			for _, c := range l.s.Step(l.now, l.pending[i]) {
				switch c := c.(type) {
				case Launch:
					keep(c.Tasks)
				case Grant:
					keep(c.Tasks)
				}
				l.answer(c)
			}
		}
	}
	if !slices.EqualFunc(kept, copied, slices.Equal) || len(kept) < 8 {
		t.Errorf("%d lists, changed after they were given: %v\n%v", len(kept), kept, copied)
	}
}

// TestEmptyBatchAllocates bounds what a batch without tasks costs, in a figure that no busy machine changes: events and
// commands in their interfaces, the batch and its program.
func TestEmptyBatchAllocates(t *testing.T) {
	l := newLoop(1, 1, nil)
	tick := Tick(0)
	if n := testing.AllocsPerRun(100, func() { tick++; l.batch(tick) }); n > 16 {
		t.Errorf("%v allocations", n)
	}
}
