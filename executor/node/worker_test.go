package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWorkerIsShutIn(t *testing.T) {
	t.Setenv("SECRET_OF_THE_DAEMON", "x")
	t.Setenv("TIDEMILL_JOB", "x")
	w := start(t, Options{Rack: "r7", MaxFiles: 512, MaxFile: 1 << 20})
	digest := w.put(t)
	got := w.worker(t, "ads", 3)
	if got.Job != "ads" || got.Executor != "e1" || got.Pid == 0 || got.Slots != w.about.Slots || got.Memory != 128<<20 {
		t.Errorf("%+v", got)
	}
	var d dug
	if err := json.NewDecoder(tell(t, got.Address, "dig")).Decode(&d); err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(w.dir, "scratch", "ads")
	for _, e := range d.Env {
		name, _, _ := strings.Cut(e, "=")
		if !slices.Contains([]string{"TIDEMILL_MODE", "HOME", "TMPDIR", "GOMEMLIMIT", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOGC", "GODEBUG", "GOTRACEBACK", "PWD"}, name) {
			t.Errorf("the worker sees %s", e)
		}
	}
	if d.Dir != scratch || d.Welcome.Scratch != scratch || d.Entries != 0 || d.Stdin != "/dev/null" || d.Exe != filepath.Join(w.dir, "bin", digest) || d.Group != got.Pid {
		t.Errorf("folder %s with %d entries, stdin %s, binary %s, group %d of pid %d", d.Dir, d.Entries, d.Stdin, d.Exe, d.Group, got.Pid)
	}
	if !slices.Equal(d.Args, []string{"ads"}) {
		t.Errorf("arguments %q", d.Args)
	}
	if !strings.Contains(d.Status, "NoNewPrivs:\t1") {
		t.Error("it can gain privileges")
	}
	for _, limit := range []string{"Max core file size        0                    0", "Max open files            512                  512", "Max file size             1048576              1048576"} {
		if !strings.Contains(d.Limits, limit) {
			t.Errorf("no %q in\n%s", limit, d.Limits)
		}
	}
	if x := d.Welcome; x.Executor != "e1" || x.Job != "ads" || x.Rack != "r7" || x.Memory != 128<<20 || x.Advertise != "127.0.0.1" || x.Orphan != orphanTime || string(x.Setup) != "serve" {
		t.Errorf("%+v", x)
	}
	if err := w.Stop(t.Context(), "ads"); err != nil {
		t.Fatal(err)
	}
	if exists(scratch) {
		t.Error("its scratch is still there")
	}
	if st, err := os.Stat(filepath.Join(w.dir, "bin", digest)); err != nil || st.Mode().Perm() != 0o500 {
		t.Error(st.Mode(), err)
	}
}

func TestStartsThatFail(t *testing.T) {
	w := start(t, Options{Memory: 512 << 20, Ready: readyTime / 100})
	digest := w.put(t)
	for _, c := range []struct {
		name string
		s    Start
		is   error
		want []string
	}{
		{"ends", Start{Setup: []byte("die")}, ErrWorker, []string{"exit status 3", "no disk\nfor this", "job ads on executor e1"}},
		{"silent", Start{Setup: []byte("silent")}, ErrWorker, []string{"did not say within 300ms"}},
		{"says why", Start{Setup: []byte("sorry")}, ErrWorker, []string{"it says: another graph"}},
		{"announces nonsense", Start{Setup: []byte("liar")}, ErrWorker, []string{`"nowhere"`, "not host:port"}},
		{"no such binary", Start{SHA256: strings.Repeat("0", 64)}, ErrNoBinary, []string{"hand it over first"}},
		{"no digest", Start{SHA256: "../../etc/passwd"}, ErrInvalid, []string{"not a SHA-256"}},
		{"a path for a name", Start{Job: "../x"}, ErrInvalid, []string{`job name "../x"`}},
		{"much memory", Start{Memory: 1 << 30}, ErrRoom, []string{"512 MiB of memory left of 512 MiB", "needs 1 GiB", "none"}},
		{"much disk", Start{Scratch: 1 << 60}, ErrRoom, []string{"of free disk in " + w.dir, "needs 1.074e+09 GiB"}},
		{"negative", Start{Memory: -1}, ErrInvalid, []string{"negative"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.s.Job == "" {
				c.s.Job = "ads"
			}
			if c.s.SHA256 == "" {
				c.s.SHA256 = digest
			}
			_, err := w.Start(t.Context(), c.s)
			if !errors.Is(err, c.is) {
				t.Fatalf("%v, want %v", err, c.is)
			}
			for _, text := range c.want {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("no %q in: %v", text, err)
				}
			}
		})
	}
	if jobs, err := w.Jobs(t.Context()); err != nil || len(jobs) != 0 {
		t.Errorf("%+v, %v", jobs, err)
	}
}

func TestMemoryIsPromisedOnce(t *testing.T) {
	w := start(t, Options{Memory: 512 << 20})
	digest := w.put(t)
	a, err := w.Start(t.Context(), Start{Job: "a", SHA256: digest})
	if err != nil || a.Memory != 256<<20 {
		t.Fatal(a, err)
	}
	if b, err := w.Start(t.Context(), Start{Job: "b", SHA256: digest, Memory: 200 << 20}); err != nil || b.Memory != 200<<20 {
		t.Fatal(b, err)
	}
	_, err = w.Start(t.Context(), Start{Job: "c", SHA256: digest})
	if !errors.Is(err, ErrRoom) || !strings.Contains(err.Error(), "56 MiB of memory left of 512 MiB") || !strings.Contains(err.Error(), "stop one of a, b") {
		t.Error(err)
	}
	if about, err := w.About(t.Context()); err != nil || about.MemoryFree != 56<<20 || !slices.Equal(about.Jobs, []string{"a", "b"}) {
		t.Errorf("%+v, %v", about, err)
	}
}

func TestCrashIsRepaired(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	events, _, leave := w.listen(t, "ads", 1)
	first := w.worker(t, "ads", 1)
	if e := next(t, events, EventStarted); e.Worker != first || e.Slots != first.Slots {
		t.Errorf("%+v", e)
	}
	dies(t, tell(t, first.Address, "panic"))
	e := next(t, events, EventExited)
	if e.Worker != first || !strings.Contains(e.Why, "exit status 2") || !strings.Contains(e.Why, "a bug of the job") {
		t.Errorf("%+v", e)
	}
	second := next(t, events, EventStarted).Worker
	if second.Pid == first.Pid || second.Address == first.Address {
		t.Errorf("%+v", second)
	}
	if s := w.until(t, "ads", func(s JobStatus) bool { return s.State == "running" }); s.Restarts != 1 || s.Worker != second {
		t.Errorf("%+v", s)
	}
	// A worker that ends by itself is not started again.
	dies(t, tell(t, second.Address, "exit"))
	if e := next(t, events, EventExited); !strings.Contains(e.Why, "exit status 0") {
		t.Errorf("%+v", e)
	}
	w.until(t, "ads", func(s JobStatus) bool { return s.Worker.Job == "" })
	// Nor is one that nobody attends.
	third := w.worker(t, "ads", 1)
	leave()
	w.until(t, "ads", func(s JobStatus) bool { return s.State == "waiting" })
	dies(t, tell(t, third.Address, "panic"))
	if s := w.until(t, "ads", func(s JobStatus) bool { return s.State == "failed" }); !strings.Contains(s.Why, "a bug of the job") {
		t.Errorf("%+v", s)
	}
}

func TestLeakIsEnded(t *testing.T) {
	w := start(t, Options{})
	w.put(t)
	w.worker(t, "quiet", 1)
	events, _, _ := w.listen(t, "ads", 1)
	leaky := w.worker(t, "ads", 1)
	quiet := w.worker(t, "quiet", 1)
	next(t, events, EventStarted)
	hold := tell(t, quiet.Address, "hold")
	dies(t, tell(t, leaky.Address, "eat"))
	if e := next(t, events, EventExited); !strings.Contains(e.Why, "of memory, and was promised 128 MiB") {
		t.Errorf("%+v", e)
	}
	next(t, events, EventStarted)
	if again := w.worker(t, "quiet", 1); again != quiet {
		t.Errorf("the other job's worker was %+v, is %+v", quiet, again)
	}
	hold.Close()
}

func TestStartAgain(t *testing.T) {
	w := start(t, Options{})
	digest := w.put(t)
	first := w.worker(t, "ads", 1)
	if again := w.worker(t, "ads", 2); again != first {
		t.Errorf("a higher epoch got %+v, there was %+v", again, first)
	}
	if _, err := w.Start(t.Context(), Start{Job: "ads", SHA256: digest, Epoch: 1}); !errors.Is(err, ErrReplaced) || !strings.Contains(err.Error(), "epoch 2; this one has epoch 1") {
		t.Error(err)
	}
	other := w.other(t, 1)
	hold := tell(t, first.Address, "hold")
	if second, err := w.Start(t.Context(), Start{Job: "ads", SHA256: other, Epoch: 2}); err != nil || second.Pid == first.Pid || second.SHA256 != other {
		t.Errorf("%+v, %v", second, err)
	}
	dies(t, hold)
	if err := w.Stop(t.Context(), "ads"); err != nil {
		t.Fatal(err)
	}
	// With everything gone, a checkpoint that was made anew may begin at 1.
	w.worker(t, "ads", 1)
}

// other hands over another binary that does the same.
func (w *world) other(t *testing.T, n int) string {
	t.Helper()
	b, _ := self()
	b = fmt.Appendf(bytes.Clone(b), "%d", n)
	m := manifest(b)
	if err := w.Put(t.Context(), signed(t, m, nil), bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return m.SHA256
}

func TestSlotsAreShared(t *testing.T) {
	w := start(t, Options{Slots: 5})
	w.put(t)
	var all []<-chan Event
	want := [][]int{{5}, {3, 2}, {2, 2, 1}}
	for n, slots := range want {
		job := string(rune('a' + n))
		events, _, _ := w.listen(t, job, 1)
		all = append(all, events)
		if got := w.worker(t, job, 1); got.Slots != slots[n] {
			t.Errorf("%s starts with %d slots, want %d", job, got.Slots, slots[n])
		}
		next(t, events, EventStarted)
		for i := range n {
			if want[n-1][i] != slots[i] {
				if e := next(t, all[i], EventSlots); e.Slots != slots[i] || e.Worker.Slots != slots[i] {
					t.Errorf("job %d of %d: %+v, want %d", i, n, e, slots[i])
				}
			}
		}
	}
	w.Stop(t.Context(), "a")
	next(t, all[1], EventSlots)
	if e := next(t, all[2], EventSlots); e.Slots != 2 {
		t.Errorf("%+v", e)
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		slots, n int
		want     []int
	}{{4, 1, []int{4}}, {4, 3, []int{2, 1, 1}}, {2, 3, []int{1, 1, 1}}, {7, 2, []int{4, 3}}} {
		var got []int
		for i := range c.n {
			got = append(got, share(c.slots, c.n, i))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%d slots for %d: %v, want %v", c.slots, c.n, got, c.want)
		}
	}
}
