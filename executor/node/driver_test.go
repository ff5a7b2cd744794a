package node

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
)

func TestRequestsAreForwarded(t *testing.T) {
	w := start(t, Options{})
	r := Request{Kind: RequestScale, N: 3, ID: "x"}
	if err := w.Ask(t.Context(), "ads", r); !errors.Is(err, ErrNoDriver) || !strings.Contains(err.Error(), "no job runs here") {
		t.Error(err)
	}
	events, _, leave := w.listen(t, "ads", 1)
	if err := w.Ask(t.Context(), "ads", r); err != nil {
		t.Fatal(err)
	}
	if e := next(t, events, EventRequest); e.Request != r {
		t.Errorf("%+v", e)
	}
	if err := w.Ask(t.Context(), "adz", r); !errors.Is(err, ErrNoDriver) || !strings.Contains(err.Error(), "did you mean ads?") {
		t.Error(err)
	}
	if err := w.Ask(t.Context(), "ads", Request{Kind: "dance"}); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	leave()
	w.until(t, "ads", func(s JobStatus) bool { return s.Driver == "" })
	if err := w.Ask(t.Context(), "ads", r); !errors.Is(err, ErrNoDriver) {
		t.Error(err)
	}
}

func TestDriversReplaceEachOther(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	_, first, _ := w.listen(t, "ads", 2)
	w.worker(t, "ads", 2)
	events, second, _ := w.listen(t, "ads", 3)
	if err := <-first; !errors.Is(err, ErrReplaced) || !strings.Contains(err.Error(), "epoch 3 now") {
		t.Error(err)
	}
	next(t, events, EventStarted)
	if err := w.Attend(t.Context(), "ads", 2, nil); !errors.Is(err, ErrReplaced) || !strings.Contains(err.Error(), "epoch 3; this one has epoch 2") {
		t.Error(err)
	}
	// One of the same epoch is the same driver, whose connection broke.
	_, third, leave := w.listen(t, "ads", 3)
	if err := <-second; !errors.Is(err, ErrReplaced) {
		t.Error(err)
	}
	leave()
	if err := <-third; err != nil {
		t.Error(err)
	}
}

func TestDriverThatDoesNotRead(t *testing.T) {
	j := &job{}
	d := &daemon{jobs: map[string]*job{"ads": j}}
	_, a, err := d.enter(t.Context(), attendance{Job: "ads"})
	if err != nil {
		t.Fatal(err)
	}
	for range maxEvents + 1 {
		if a.ctx.Err() != nil {
			t.Fatal("cut off too early")
		}
		j.tell(Event{Kind: EventSlots})
	}
	if a.ctx.Err() == nil {
		t.Error("it may pile up for ever")
	}
}

func TestDrain(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	events, ended, _ := w.listen(t, "ads", 1)
	got := w.worker(t, "ads", 1)
	next(t, events, EventStarted)
	lonely := tell(t, w.worker(t, "lonely", 1).Address, "hold")
	next(t, events, EventSlots)
	w.end()
	if e := next(t, events, EventDraining); !strings.Contains(e.Why, "executor e1") {
		t.Errorf("%+v", e)
	}
	dies(t, lonely) // no driver would come for it
	next(t, events, EventSlots)
	_, m := self()
	if _, err := w.Start(t.Context(), Start{Job: "new", SHA256: m.SHA256}); !errors.Is(err, ErrDraining) {
		t.Error(err)
	}
	if a, err := w.About(t.Context()); err != nil || !a.Draining {
		t.Errorf("%+v, %v", a, err)
	}
	hold := tell(t, got.Address, "hold")
	if err := w.Stop(t.Context(), "ads"); err != nil {
		t.Fatal(err)
	}
	dies(t, hold)
	if err := <-ended; err == nil {
		t.Error("the driver was not told that the executor is gone")
	}
	<-w.ended
	if w.err != nil {
		t.Error(w.err)
	}
}

func TestDrainIsBounded(t *testing.T) {
	for name, o := range map[string]Options{"by the grace": {Grace: 1}, "by a second signal": {}} {
		t.Run(name, func(t *testing.T) {
			w := start(t, o)
			w.put(t)
			events, _, _ := w.listen(t, "ads", 1)
			hold := tell(t, w.worker(t, "ads", 1).Address, "hold")
			next(t, events, EventStarted)
			w.end()
			next(t, events, EventDraining)
			if o.Grace == 0 {
				close(w.now)
			}
			dies(t, hold)
			<-w.ended
			if w.err != nil || !strings.Contains(w.out.String(), "1 workers were not released") {
				t.Error(w.err)
			}
		})
	}
}

func TestDrainWhoseDriverGoesAway(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	events, _, leave := w.listen(t, "ads", 1)
	w.worker(t, "ads", 1)
	next(t, events, EventStarted)
	w.end()
	next(t, events, EventDraining)
	leave()
	<-w.ended
}

func submission(job, what string) Submission {
	_, m := self()
	return Submission{Job: job, SHA256: m.SHA256, Args: []string{what}, Env: []string{"TIDEMILL_UI=off", "TIDEMILL_FRESH=true"}, File: []byte("job: x\n")}
}

func TestHostedDriver(t *testing.T) {
	dir := t.TempDir()
	w := start(t, Options{Dir: dir, Progress: func(dir string) (int64, bool) { return 41, dir == "7" }})
	w.put(t)
	s := submission("ads", "stay")
	s.Standby = true
	if err := w.Submit(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	w.out.await(t, "ads| driver true <nil> e1 true ads off true true\n")
	w.out.await(t, "ads| config \"job: x\\n\"\nads| up\n")
	if s := w.until(t, "ads", func(s JobStatus) bool { return s.Hosted.State == "running" }); s.Hosted.Pid == 0 || s.Hosted.Batch != 41 || !s.Hosted.Standby {
		t.Errorf("%+v", s)
	}
	if err := w.Submit(t.Context(), s); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "already") {
		t.Error(err)
	}
	// It ends with the daemon, which lets it finish its batch, and is back with it. What was for the first start is left out.
	w.end()
	<-w.ended
	if !strings.Contains(w.out.String(), "ads| finished the batch") {
		t.Error("the driver was not asked to end")
	}
	w = start(t, Options{Dir: dir})
	w.out.await(t, "ads| driver true <nil> e1 true ads off  true\n")
	w.out.await(t, "ads| up")
	if err := w.Cancel(t.Context(), "ads"); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.out.String(), "ads| finished the batch") || exists(dir, "hosted", "ads") {
		t.Error("it was not ended properly, or is remembered")
	}
	if err := w.Cancel(t.Context(), "ads"); !errors.Is(err, ErrNoJob) {
		t.Error(err)
	}
}

func TestHostedDriversThatEnd(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	for _, c := range []struct {
		what, said, why string
	}{
		{"end", "driver true", ""},
		{"fail", "executor: job fail has failed: exit status 1\n", "\nno such topic"},
		{"crash", "crash: the job crashed 3 times before its first batch was committed (exit status 2); not starting it again", "a bug"},
	} {
		if err := w.Submit(t.Context(), submission(c.what, c.what)); err != nil {
			t.Fatal(err)
		}
		s := w.until(t, c.what, func(s JobStatus) bool { return s.State != "hosted" })
		w.out.await(t, c.said)
		if !strings.Contains(s.Why, c.why) || c.why != "" && s.State != "failed" {
			t.Errorf("%s: %+v", c.what, s)
		}
		if exists(w.dir, "hosted", c.what) {
			t.Errorf("%s: it is still remembered", c.what)
		}
	}
	if err := w.Submit(t.Context(), submission("once", "crash-once")); err != nil {
		t.Fatal(err)
	}
	w.out.await(t, "once| up")
	if s := w.until(t, "once", func(s JobStatus) bool { return s.Hosted.State == "running" }); s.Hosted.Restarts != 1 {
		t.Errorf("%+v", s)
	}
}

func TestSubmissionsThatAreRefused(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	for name, c := range map[string]struct {
		change func(*Submission)
		is     error
		want   string
	}{
		"a foreign variable":  {func(s *Submission) { s.Env = []string{"LD_PRELOAD=/x.so"} }, ErrInvalid, `"LD_PRELOAD" is no setting`},
		"one of the daemon's": {func(s *Submission) { s.Env = []string{"TIDEMILL_MODE=worker"} }, ErrInvalid, "TIDEMILL_MODE"},
		"a zero":              {func(s *Submission) { s.Args = []string{"a\x00b"} }, ErrInvalid, "zero byte"},
		"a path":              {func(s *Submission) { s.Job = "../../x" }, ErrInvalid, "job name"},
		"not there":           {func(s *Submission) { s.SHA256 = strings.Repeat("1", 64) }, ErrNoBinary, "hand it over"},
	} {
		s := submission("ads", "end")
		c.change(&s)
		if err := w.Submit(t.Context(), s); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResumeOfNonsense(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "{", "b": `{"Job":"other"}`, "c": ""} {
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, "hosted", name), 0o700), os.WriteFile(filepath.Join(dir, "hosted", name, submissionName), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	w := start(t, Options{Dir: dir})
	for _, name := range []string{"a", "b", "c"} {
		w.out.await(t, "executor: job "+name+", which was submitted here, cannot be started again")
	}
}

func TestOtherVersionOfTheEngine(t *testing.T) {
	w := start(t, Options{})
	for method := range roles {
		if method == "Put" || method == "Attend" {
			continue
		}
		trailer := metadata.MD{}
		ctx := metadata.AppendToOutgoingContext(t.Context(), engineHeader, "0.9")
		err := w.conn.Invoke(ctx, fullName(method), &nothing{}, &nothing{}, trailerOf(&trailer))
		if method == "About" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err = understood(err, trailer); !errors.Is(err, ErrEngine) || !strings.Contains(err.Error(), `version `+Engine+` of the engine, the caller version "0.9"`) {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestEveryMethodHasRoles(t *testing.T) {
	n := len(desc.Methods) + len(desc.Streams)
	for _, m := range desc.Methods {
		if len(roles[m.MethodName]) == 0 {
			t.Errorf("nobody may call %s", m.MethodName)
		}
	}
	for _, m := range desc.Streams {
		if len(roles[m.StreamName]) == 0 {
			t.Errorf("nobody may call %s", m.StreamName)
		}
	}
	if len(Roles()) != n {
		t.Errorf("%d methods, %d with roles", n, len(Roles()))
	}
}
