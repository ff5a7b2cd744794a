package schedule

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the traces of testdata/*.txt anew; read the difference before you keep it")

// TestScripts runs testdata/*.txt. A line is an event; the indented lines after it are the commands that it brings.
// One that is not an event of the package says how the rest is meant:
//
//	init retries=1 wait=100ms committed=6 last=99 stageattempts=2     (first line; the interval is 1s; speculate=1.5
//	                                                                  or all, starve=1s: else off; aside=4)
//	done w1                                                           (TaskDone for each task that runs there)
//	at 150ms                                                          (time since the start)
//	outputs 1/0/0                                                     (prints Scheduler.Outputs)
//
// A stage is written parts, then <parents, then ^stages of the main program, then ! if granted, then @ and the
// preferred workers of each partition, then % and its holders in the same form: 2<0,1! or 3@w1;w2,w1; or 2!%w1,w2;w2
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(want))
			if got == string(want) {
				return
			}
			if *rewrite {
				if err := os.WriteFile(f, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Errorf("%s: the trace differs (-rewrite writes it anew):\n%s", f, firstDifference(got, string(want)))
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("got %d lines, want %d", len(g), len(w))
}

type script struct {
	*testing.T
	s       *Scheduler
	now     time.Duration
	running map[Worker][]TaskID // launched and not yet reported
	out     strings.Builder
}

func runScript(t *testing.T, text string) string {
	sc := &script{T: t, running: map[Worker][]TaskID{}}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue // of the old trace
		}
		sc.out.WriteString(line + "\n")
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		sc.line(words[0], words[1:])
	}
	return sc.out.String()
}

func (sc *script) line(verb string, args []string) {
	switch verb {
	case "init":
		s, err := New(sc.options(args))
		if err != nil {
			sc.Fatal(err)
		}
		sc.s = s
	case "at":
		sc.now = sc.duration(args[0])
	case "outputs":
		t := sc.task(args[0] + "/0#0")
		for _, o := range sc.s.Outputs(nil, t.Batch, t.Program, t.Stage) {
			fmt.Fprintf(&sc.out, "  %v on %q\n", o.Task, o.Worker)
		}
	case "done":
		w := Worker(args[0])
		tasks := sc.running[w]
		if len(args) > 1 {
			tasks = nil
		}
		for _, a := range args[1:] {
			tasks = append(tasks, sc.task(a))
		}
		for _, t := range tasks {
			sc.forget(w, t)
			sc.step(TaskDone{t, w})
		}
	default:
		sc.step(sc.event(verb, args))
	}
}

func (sc *script) step(e Event) {
	for _, c := range sc.s.Step(time.Unix(0, 0).Add(sc.now), e) {
		sc.out.WriteString("  " + strings.ReplaceAll(describe(c), "\n", "\n    ") + "\n")
		if l, ok := c.(Launch); ok {
			sc.running[l.Worker] = append(sc.running[l.Worker], l.Tasks...)
		}
	}
}

func (sc *script) forget(w Worker, t TaskID) {
	sc.running[w] = slices.DeleteFunc(slices.Clone(sc.running[w]), func(u TaskID) bool { return u == t })
}

func (sc *script) event(verb string, args []string) Event {
	rest := func(n int) error {
		if len(args) <= n {
			return nil
		}
		return errors.New(strings.Join(args[n:], " "))
	}
	switch verb {
	case "up":
		return WorkerUp{Worker(args[0]), sc.int(args[1])}
	case "down":
		return WorkerDown{Worker(args[0])}
	case "slots":
		return WorkerSlots{Worker(args[0]), sc.int(args[1])}
	case "draining":
		return WorkerDraining{Worker(args[0])}
	case "due":
		return Due{Tick(sc.int(args[0]))}
	case "wake":
		return Wake{}
	case "stop":
		return Stop{}
	case "stopnow":
		return StopNow{}
	case "planned":
		stages, bodies, last := sc.stages(args[1:])
		return Planned{sc.batch(args[0]), stages, bodies, last}
	case "recovered":
		stages, bodies, last := sc.stages(args[2:])
		return Recovered{sc.batch(args[0]), Tick(sc.int(args[1])), stages, bodies, last}
	case "requested":
		t := sc.task(args[0] + "/0/0#0")
		stages, _, _ := sc.stages(args[1:])
		return Requested{t.Batch, t.Program, stages}
	case "planfailed":
		return PlanFailed{sc.batch(args[0]), Retry, rest(1)}
	case "bodiesdone":
		return BodiesDone{sc.batch(args[0]), rest(1)}
	case "failed":
		sc.forget(Worker(args[0]), sc.task(args[1]))
		return TaskFailed{sc.task(args[1]), Worker(args[0]), sc.class(args[2]), rest(3)}
	case "fetchfailed":
		e := FetchFailed{Task: sc.task(args[1]), Worker: Worker(args[0])}
		sc.forget(e.Worker, e.Task)
		for _, a := range args[2:] {
			id, w, _ := strings.Cut(a, "@")
			e.Missing = append(e.Missing, Output{sc.task(id), Worker(w)})
		}
		return e
	case "published":
		return Published{sc.batch(args[1]), Worker(args[0]), sc.int(args[2])}
	case "publishfailed":
		return PublishFailed{sc.batch(args[1]), Worker(args[0]), sc.int(args[2]), sc.class(args[3]), rest(4)}
	case "planlogged":
		return PlanLogged{sc.batch(args[0])}
	case "commitlogged":
		return CommitLogged{sc.batch(args[0])}
	case "abortlogged":
		return AbortLogged{sc.batch(args[0])}
	case "logfailed":
		return LogFailed{sc.batch(args[0]), rest(1)}
	}
	sc.Fatalf("unknown event %q", verb)
	return nil
}

func (sc *script) options(args []string) Options {
	o := Options{Interval: time.Second, LocalityWait: -1, Speculate: -1, NoWorkerWait: -1}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		switch k {
		case "retries":
			o.Retries = sc.int(v)
		case "stageattempts":
			o.StageAttempts = sc.int(v)
		case "committed":
			o.Committed = sc.batch(v)
		case "last":
			o.Last = Tick(sc.int(v))
		case "wait":
			o.LocalityWait = sc.duration(v)
		case "speculate":
			o.Speculate, o.SpeculateAll = sc.float(v), v == "all"
		case "aside":
			o.AsideAfter = sc.int(v)
		case "starve":
			o.NoWorkerWait = sc.duration(v)
		default:
			sc.Fatalf("unknown option %q", a)
		}
	}
	return o
}

func (sc *script) stages(args []string) (stages []Stage, bodies, last bool) {
	for _, a := range args {
		switch a {
		case "bodies":
			bodies = true
		case "last":
			last = true
		default:
			stages = append(stages, sc.stage(a))
		}
	}
	return stages, bodies, last
}

func (sc *script) stage(a string) Stage {
	var st Stage
	a, holders, has := strings.Cut(a, "%")
	if has {
		st.Holders = sc.workers(holders)
	}
	a, prefer, has := strings.Cut(a, "@")
	if has {
		st.Prefer = sc.workers(prefer)
	}
	a, st.Granted = strings.CutSuffix(a, "!")
	a, mains, _ := strings.Cut(a, "^")
	a, parents, _ := strings.Cut(a, "<")
	st.Parts, st.Parents, st.Main = sc.int(a), sc.ints(parents), sc.ints(mains)
	return st
}

func (sc *script) workers(list string) (out [][]Worker) {
	for p := range strings.SplitSeq(list, ";") {
		var names []Worker
		for n := range strings.SplitSeq(p, ",") {
			names = append(names, Worker(n))
		}
		out = append(out, names)
	}
	return out
}

func (sc *script) ints(list string) (out []int) {
	for a := range strings.SplitSeq(list, ",") {
		if a != "" {
			out = append(out, sc.int(a))
		}
	}
	return out
}

func (sc *script) task(a string) TaskID {
	var t TaskID
	if _, err := fmt.Sscanf(a, "%d/%d/%d/%d#%d", &t.Batch, &t.Program, &t.Stage, &t.Partition, &t.Attempt); err != nil {
		sc.Fatalf("task %q: %v", a, err)
	}
	return t
}

func (sc *script) class(a string) Class {
	c, ok := map[string]Class{"retry": Retry, "batch": FailBatch, "job": FailJob}[a]
	if !ok {
		sc.Fatalf("class %q", a)
	}
	return c
}

func (sc *script) batch(a string) int64 { return int64(sc.int(a)) }

func (sc *script) int(a string) int {
	n, err := strconv.Atoi(a)
	if err != nil {
		sc.Fatal(err)
	}
	return n
}

func (sc *script) float(a string) float64 {
	if a == "all" {
		return -1
	}
	f, err := strconv.ParseFloat(a, 64)
	if err != nil {
		sc.Fatal(err)
	}
	return f
}

func (sc *script) duration(a string) time.Duration {
	d, err := time.ParseDuration(a)
	if err != nil {
		sc.Fatal(err)
	}
	return d
}
