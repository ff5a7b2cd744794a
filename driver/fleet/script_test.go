package fleet

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/executor/node"
	"github.com/tidemill/tidemill/executor/wire"
)

var rewrite = flag.Bool("rewrite", false, "write the traces in testdata instead of comparing")

// TestScripts runs testdata/*.txt: each line is something that happens, and below it, indented, stands what the driver is told of it. A
// minute of the script takes no time.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			binary := binaryFile(t)
			synctest.Test(t, func(t *testing.T) { runScript(t, path, binary) })
		})
	}
}

func runScript(t *testing.T, path, binary string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, w: newWorld(), binary: binary}
	var got strings.Builder
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "    ") {
			continue
		}
		fmt.Fprintln(&got, line)
		if line == "" || line[0] == '#' {
			continue
		}
		s.do(strings.Fields(line))
		synctest.Wait()
		for _, l := range s.take() {
			fmt.Fprintln(&got, "    "+l)
		}
	}
	if s.f != nil {
		if err := s.f.Close(t.Context(), false); err != nil {
			t.Error(err)
		}
	}
	if *rewrite {
		err = os.WriteFile(path, []byte(got.String()), 0o644)
	} else if got.String() != string(text) {
		err = errors.New("other than expected; if that is meant, run with -rewrite\n" + got.String())
	}
	if err != nil {
		t.Error(path, err)
	}
}

type script struct {
	t      *testing.T
	w      *world
	f      *Fleet
	binary string

	mu   sync.Mutex
	told []string
	ups  map[string]Worker
}

func (s *script) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, fmt.Sprintf(format, args...))
}

// take gives what was told since, sorted where only goroutines decide the order: by executor.
func (s *script) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.told
	s.told = nil
	slices.SortStableFunc(out, func(a, b string) int { return strings.Compare(subject(a), subject(b)) })
	return out
}

// subject is the first word that names an executor.
func subject(line string) string {
	for _, w := range strings.Fields(line) {
		if strings.HasPrefix(w, "ex-") {
			return strings.TrimRight(w, ":")
		}
	}
	return ""
}

func (s *script) event(e Event) {
	switch e := e.(type) {
	case Up:
		s.mu.Lock()
		if s.ups == nil {
			s.ups = map[string]Worker{}
		}
		s.ups[e.Worker.Name] = e.Worker
		s.mu.Unlock()
		s.say("up %s slots=%d", e.Worker.Name, e.Hello.Slots)
	case Down:
		s.say("down %s: %v", e.Worker.Name, e.Why)
	case Slots:
		s.say("slots %s %d", e.Worker.Name, e.N)
	case Draining:
		s.say("draining %s: %s", e.Worker.Name, e.Why)
	case Report:
		for _, r := range e.Reports {
			if r, ok := r.(wire.Restored); ok && r.Keys != int(e.Worker.Incarnation) {
				s.say("report of %s under the name of incarnation %d", e.Worker.Name, e.Worker.Incarnation)
			}
		}
	case Refused:
		s.say("refused %s (%s)", e.Name, e.Why.Kind)
	case Request:
		s.say("request %s %d", e.Kind, e.N)
	}
}

// do does one line: a command, then words and settings name=value.
func (s *script) do(words []string) {
	set := map[string]string{}
	var args []string
	for _, w := range words[1:] {
		if k, v, ok := strings.Cut(w, "="); ok {
			set[k] = v
		} else {
			args = append(args, w)
		}
	}
	switch words[0] {
	case "start":
		s.start(args, set)
	case "wait":
		time.Sleep(s.duration(args[0]))
	case "scale":
		s.f.Scale(s.number(args[0]))
	case "release":
		s.f.Release(s.ups[args[0]])
	case "members":
		for _, m := range s.f.Members() {
			s.say("%s %s %s %s", m.Name, m.Address, m.State, m.Why)
		}
	case "close":
		begin := time.Now()
		err := s.f.Close(s.t.Context(), args[0] == "stop")
		if took := time.Since(begin); err != nil || took >= time.Second {
			s.say("%v after %v", err, took)
		}
	case "send":
		s.f.Send(s.ups[args[0]], wire.Commit{Batch: 7})
	default:
		s.w.mu.Lock()
		defer s.w.mu.Unlock()
		s.change(words[0], args, set)
	}
}

func (s *script) start(seeds []string, set map[string]string) {
	o := Options{
		Job: "ads", Epoch: 3, Graph: "g", Engine: "e", Cluster: seeds, Binary: s.binary, Told: s.event, net: s.w,
		Warn: func(text string) { s.say("warn %s", text) },
	}
	if n := set["executors"]; n != "" {
		o.Executors = s.number(n)
	}
	if m := set["memory"]; m != "" {
		o.Memory = int64(s.number(m)) << 30
	}
	var err error
	if s.f, err = Start(context.WithoutCancel(s.t.Context()), o); err != nil {
		s.say("%v", err)
	}
}

// change changes the world. The caller holds its lock.
func (s *script) change(command string, args []string, set map[string]string) {
	if command == "executor" {
		s.w.mu.Unlock()
		x := s.w.add(args[0], args[1])
		s.w.mu.Lock()
		s.set(x, set)
		return
	}
	if command == "gossip" {
		s.w.deaf = args[0] == "refuses"
		return
	}
	x := s.w.named(args[0])
	switch command {
	case "kill":
		x.halt()
	case "restart": // with another incarnation, and the same address
		s.w.lives++
		x.down, x.about.Incarnation, x.about.Draining = false, s.w.lives, false
	case "crash":
		pid := x.pid
		x.pid = 0
		x.cut(errors.New("connection reset"))
		x.event(node.Event{Kind: node.EventExited, Worker: node.Worker{Pid: pid}, Why: strings.Join(args[1:], " ")})
	case "started":
		x.event(node.Event{Kind: node.EventStarted, Worker: node.Worker{Pid: x.pid}})
	case "cut":
		x.cut(errors.New("silence"))
	case "slots":
		x.about.Slots = s.number(args[1])
		x.event(node.Event{Kind: node.EventSlots, Slots: x.about.Slots})
	case "drain":
		x.about.Draining = true
		x.event(node.Event{Kind: node.EventDraining, Why: strings.Join(args[1:], " ")})
	case "request":
		x.event(node.Event{Kind: node.EventRequest, Request: node.Request{Kind: args[1], N: s.number(args[2]), ID: args[3]}})
	case "set":
		s.set(x, set)
	case "uploads":
		s.say("%d received the binary, at most %d at a time", len(s.w.puts), s.w.most)
	case "stopped":
		s.say("%s was asked %d times to stop its worker", args[0], x.stopped)
	case "sent":
		for _, st := range x.streams {
			s.say("%s was sent %v", args[0], st.sent)
		}
	default:
		s.t.Fatal("no such command: ", command)
	}
	s.w.tell()
}

var refusals = map[string]error{
	"room": node.ErrRoom, "replaced": node.ErrReplaced, "worker": fmt.Errorf("%w: exit status 2", node.ErrWorker), "none": nil,
	"altered": node.ErrAltered, "other": errors.New("disk on fire"),
}

func (s *script) set(x *machine, set map[string]string) {
	for k, v := range set {
		switch k {
		case "rack":
			x.about.Rack = v
		case "memory":
			x.about.MemoryFree = int64(s.number(v)) << 30
		case "engine":
			x.about.Engine = v
		case "os":
			x.about.OS = v
		case "name":
			x.about.Name, x.claims = v, v
		case "claims":
			x.claims = v
		case "graph":
			x.graph = v
		case "epoch":
			x.epoch = int64(s.number(v))
		case "slow":
			x.slow = s.duration(v)
		case "silent":
			x.silent = v == "yes"
		case "hangs":
			x.worker = v != "yes"
		case "hidden":
			x.hidden = v == "yes"
		case "refuse":
			x.refuse = refusals[v]
		default:
			s.t.Fatal("no such setting: ", k)
		}
	}
}

func (s *script) number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *script) duration(v string) time.Duration {
	d, err := time.ParseDuration(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}
