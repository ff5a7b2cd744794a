package dstreamtest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/report"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var rewrite = flag.Bool("rewrite", false, "write the traces into testdata instead of comparing with them")

// TestScripts runs the scripts of testdata: what windows give out, batch by batch. A script is one command a line; what a command
// gives is indented below it.
//
//	sources a b              of the job, each with an EventTime of its own, in a union; default: events
//	base 1970                times are seconds from the epoch; default: from the start of the clock, in 2026
//	watermark 5s [idle 3s]   event time; without it windows run on batch time
//	window tumbling 10s      or: window sliding 10s 5s
//	again tumbling 20s       a window over the results of the first one
//	rekey                    groups the results of a window anew: the top key of it
//	lateness 5s, emit onchange, keys none, late, parallelism 2
//
//	send [source[/piece]] t=1s,2s k=a    one row for each time
//	tick [n], skip n, end, restart
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d scripts, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("the trace differs (go test -rewrite writes it anew): got\n%s", got)
			}
		})
	}
}

// play runs the commands of a script and returns it with the traces that they give.
func play(t *testing.T, text string) string {
	s := &script{t: t, sources: []string{"events"}, base: start, parallelism: 1, keyed: true}
	var out strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "    ") {
			continue
		}
		out.WriteString(line + "\n")
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			for _, l := range s.command(words[0], words[1:]) {
				out.WriteString("    " + l + "\n")
			}
		}
	}
	return out.String()
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type timedRow struct {
	Key string
	At  time.Time
}

type windowRow struct {
	Key        string
	Start, End time.Time
	N          int64
}

type script struct {
	t           *testing.T
	sources     []string
	base        time.Time
	watermark   *dstream.Watermark
	window      dstream.WindowSpec
	again       *dstream.WindowSpec
	rekey       bool
	lateness    time.Duration
	emit        dstream.EmitMode
	keyed, late bool
	parallelism int

	run           *dstreamtest.Run
	shown, strays int // rows of the sinks that are in the trace
	reports       int
}

func (s *script) build(job *dstream.Job) {
	in := s.source(job, s.sources[0])
	for _, name := range s.sources[1:] {
		in = in.Union(s.source(job, name))
	}
	if !s.keyed {
		finish(s, in.Window(s.window), func(struct{}) string { return "" })
		return
	}
	finish(s, in.KeyBy(func(r timedRow) string { return r.Key }).Window(s.window), func(k string) string { return k })
}

func (s *script) source(job *dstream.Job, name string) dstream.Stream[timedRow] {
	in := job.Source[timedRow](name)
	if s.watermark != nil {
		in = in.EventTime(func(r timedRow) time.Time { return r.At }, *s.watermark)
	}
	return in
}

func finish[K comparable](s *script, w dstream.Windowed[K, timedRow], name func(K) string) {
	w = w.Lateness(s.lateness).Emit(s.emit)
	if s.late {
		w.Late().Map(func(_ K, r timedRow) timedRow { return r }).WriteTo("late")
	}
	row := func(k K, w dstream.Window, n int64) windowRow { return windowRow{name(k), w.Start, w.End, n} }
	counts := w.Count()
	switch {
	case s.rekey:
		type top = windowRow
		counts.Rekey(func(k K, n int64) (string, top) { return "top", top{Key: name(k), N: n} }).
			Aggregate(dstream.Top(1, func(a, b top) int { return int(a.N - b.N) })).
			Map(func(_ string, w dstream.Window, best []top) windowRow {
				return windowRow{"top " + best[0].Key, w.Start, w.End, best[0].N}
			}).WriteTo("out")
	case s.again != nil:
		counts.Keyed().Window(*s.again).Reduce(dstream.Sum).Map(row).WriteTo("out")
	default:
		counts.Map(row).WriteTo("out")
	}
}

func (s *script) command(name string, args []string) []string {
	switch name {
	case "sources":
		s.sources = args
	case "base":
		s.base = time.Unix(0, 0).UTC()
	case "watermark":
		s.watermark = &dstream.Watermark{Delay: s.duration(args[0])}
		if len(args) > 1 {
			s.watermark.Idle = s.duration(args[2])
		}
	case "window":
		s.window = s.spec(args)
	case "again":
		w := s.spec(args)
		s.again = &w
	case "rekey":
		s.rekey = true
	case "lateness":
		s.lateness = s.duration(args[0])
	case "emit":
		s.emit = dstream.OnChange
	case "keys":
		s.keyed = false
	case "late":
		s.late = true
	case "parallelism":
		s.parallelism = s.number(args[0])
	default:
		return s.action(name, args)
	}
	return nil
}

// action is a command to the job at work.
func (s *script) action(name string, args []string) []string {
	if s.run == nil {
		s.run = dstreamtest.Start(s.t, s.build, dstreamtest.Options{Parallelism: s.parallelism, Start: start})
	}
	switch name {
	case "send":
		s.send(args)
	case "tick":
		n := 1
		if len(args) > 0 {
			n = s.number(args[0])
		}
		s.run.Tick(n)
		return s.trace()
	case "skip":
		s.run.Skip(s.number(args[0]))
	case "end":
		s.run.End()
		return s.trace()
	case "restart":
		s.run, s.reports = s.run.Restart(nil), 0
	default:
		s.t.Fatalf("no command %q", name)
	}
	return nil
}

func (s *script) send(args []string) {
	source := s.sources[0]
	if !strings.Contains(args[0], "=") {
		source, args = args[0], args[1:]
	}
	key := ""
	if len(args) > 1 {
		key = strings.TrimPrefix(args[1], "k=")
	}
	for _, at := range strings.Split(strings.TrimPrefix(args[0], "t="), ",") {
		s.run.Send(source, timedRow{key, s.base.Add(s.duration(at))})
	}
}

// trace is what has happened since the last one.
func (s *script) trace() (out []string) {
	for _, b := range s.run.Reports()[s.reports:] {
		s.reports++
		out = append(out, s.batch(b))
	}
	rows := s.run.Rows[windowRow]("out")
	fresh := rows[s.shown:]
	s.shown = len(rows)
	var lines []string
	for _, r := range fresh {
		lines = append(lines, fmt.Sprintf("[%v, %v) %s %d", r.Start.Sub(s.base), r.End.Sub(s.base), r.Key, r.N))
	}
	if s.late {
		rows := s.run.Rows[timedRow]("late")
		for _, r := range rows[s.strays:] {
			lines = append(lines, fmt.Sprintf("late: t=%v k=%s", r.At.Sub(s.base), r.Key))
		}
		s.strays = len(rows)
	}
	if s.parallelism > 1 {
		slices.Sort(lines)
	}
	return append(out, lines...)
}

// batch is the line of a batch: its time, the watermark of the window, and how many rows came too late.
func (s *script) batch(b *report.Batch) string {
	line := "batch at " + b.Time.Sub(start).String()
	if b.Ticks > 1 && b.Batch > 1 {
		line += fmt.Sprintf(" of %d ticks", b.Ticks)
	}
	for _, step := range b.Steps {
		if !strings.Contains(step.Name, "/late#") {
			line += fmt.Sprintf(", %s %s", strings.TrimPrefix(step.Name, s.sources[0]+"/"), s.mark(step))
		}
		if step.Late > 0 {
			line += fmt.Sprintf(" late %d", step.Late)
		}
	}
	return line
}

func (s *script) mark(step report.Step) string {
	switch {
	case step.Ended:
		return "ended"
	case step.Watermark == nil:
		return "has no watermark"
	}
	return "at " + step.Watermark.Sub(s.base).String()
}

func (s *script) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *script) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) spec(args []string) dstream.WindowSpec {
	if args[0] == "sliding" {
		return dstream.Sliding(s.duration(args[1]), s.duration(args[2]))
	}
	return dstream.Tumbling(s.duration(args[1]))
}
