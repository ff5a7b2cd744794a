package schedule

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// FuzzStep tells a scheduler any events in any order, six bytes each. Whatever it is told, it must not panic and must
// keep its promises.
func FuzzStep(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		data := make([]byte, 6*200)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := New(fuzzOptions(data))
		if err != nil {
			t.Fatal(err)
		}
		check := newChecker(0, 0)
		for i := 0; i+6 <= len(data) && i < 6*2000; i += 6 {
			e := anyEvent([6]byte(data[i:]))
			check.event(e)
			check.commands(s.Step(time.Unix(0, int64(i)*1e5), e))
			if len(check.bad) > 0 {
				t.Fatalf("event %d, %T %+v: %q", i/6, e, e, check.bad)
			}
		}
	})
}

// fuzzOptions lets the first byte choose.
func fuzzOptions(data []byte) Options {
	o := Options{Interval: 10 * time.Millisecond, Retries: 2, AsideAfter: 2, AsideFor: 50 * time.Millisecond}
	if len(data) > 0 {
		o.SpeculateAll, o.SpeculateQuantile = data[0]%3 == 0, 0.3
	}
	return o
}

// anyEvent has small numbers, so that many events are about something that is there.
func anyEvent(b [6]byte) Event {
	batch := int64(b[1]%4) / 3 // mostly 0, which becomes the first batch
	batch++
	task := TaskID{batch, int(b[2] % 8 / 6), int(b[2] / 8 % 3), int(b[3]%4) - int(b[3]/255), 1 + int(b[3]/4%3)}
	worker := Worker("abc"[b[4]%3:][:1])
	class, round := Class(b[5]/16%16/14), 1+int(b[5]%4)
	err := errors.New("broken")
	switch b[0] % 32 {
	case 0, 1:
		return Due{Tick(b[1])}
	case 2, 3:
		return Planned{batch, anyStages(b, 0), b[1]%8 == 0, b[1]%16 == 1}
	case 4, 5:
		return PlanLogged{batch}
	case 6, 7:
		return WorkerUp{worker, int(b[5]%4) - 1}
	case 8:
		return WorkerDown{worker}
	case 9:
		return TaskFailed{task, worker, class, err}
	case 10:
		missing := task
		missing.Stage--
		return FetchFailed{task, worker, []Output{{missing, worker}}, b[5]%2 == 1}
	case 11, 12:
		return Requested{batch, int(b[5] % 3), anyStages(b, 1)}
	case 13:
		return BodiesDone{Batch: batch}
	case 14, 15:
		return Published{batch, worker, round}
	case 16:
		return PublishFailed{batch, worker, round, class, err}
	case 17, 18:
		return CommitLogged{batch}
	case 19:
		return AbortLogged{batch}
	case 20:
		return Wake{}
	case 21:
		return anyEnd(b)
	case 22:
		if b[1]%2 == 0 {
			return WorkerSlots{worker, int(b[5]%4) - 1}
		}
		return WorkerDraining{worker}
	}
	return TaskDone{task, worker}
}

func anyEnd(b [6]byte) Event {
	switch b[1] {
	case 0:
		return Stop{}
	case 1:
		return StopNow{}
	case 2:
		return LogFailed{1, errors.New("disk full")}
	case 3:
		return PlanFailed{1, Retry, errors.New("no source")}
	}
	return Wake{}
}

func anyStages(b [6]byte, mains int) []Stage {
	out := make([]Stage, b[2]%4)
	for i := range out {
		out[i] = Stage{Parts: int(b[3]>>i) % 4, Granted: b[4]>>i&1 == 1, Prefer: [][]Worker{{"a"}, {"b", "c"}}}
		if b[5]>>3%4 == 0 {
			out[i].Holders = [][]Worker{{"a", "b"}, {"c"}}
		}
		if i > 0 && b[5]>>i&1 == 1 {
			out[i].Parents = []int{i - 1}
		}
		if mains > 0 && b[5]>>4 == 0 {
			out[i].Main = []int{0}
		}
	}
	return out
}
