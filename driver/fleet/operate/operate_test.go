package operate

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/node"
)

// in runs a test in a bubble of time, over a cluster of three.
func in(t *testing.T, f func(t *testing.T, w *world, c *Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("ex-1", "ex-2", "ex-3")
		c := w.connect(t)
		defer c.Close()
		f(t, w, c)
	})
}

func expect(t *testing.T, what string, got any, want string) {
	t.Helper()
	text := ""
	switch got := got.(type) {
	case error:
		text = got.Error()
	case []string:
		text = strings.Join(got, "\n")
	case string:
		text = got
	}
	if text != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, text, want)
	}
}

func TestTable(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.worker("ads", "node-9, pid 5", 4, "ex-1", "ex-2")
		w.host("ex-3", "ads", false)
		w.host("ex-2", "ads", true)
		w.worker("clicks", "", 2, "ex-1")
		w.host("ex-1", "views", false)
		w.job("ex-2", "bad").Why = "exit status 1: no such topic"
		w.job("ex-1", "ads").Epoch, w.job("ex-1", "ads").Driver = 3, "node-8, pid 1" // an earlier driver, not yet gone here
		v := c.Look(t.Context())
		var out strings.Builder
		if err := v.Write(&out, time.Now()); err != nil {
			t.Fatal(err)
		}
		expect(t, "table", out.String(), `JOB     STATE     DRIVER                                   EPOCH  BATCH  EXECUTORS  RESTARTS  SINCE
ads     running   node-9, pid 5 on ex-3 (standby on ex-2)  4      41     2          2         1h0m
bad     failed    none                                     0      -      0          0         -
clicks  waiting   none                                     2      -      1          0         1h0m
views   starting  on ex-1                                  0      41     0          1         -
bad failed: exit status 1: no such topic
`)
		text, err := json.Marshal(v.Jobs[0])
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "json", string(text), `{"job":"ads","state":"running","driver":"node-9, pid 5","host":"ex-3","standbys":["ex-2"],"epoch":4,"batch":41,"executors":["ex-1","ex-2"],"restarts":2,"since":"1999-12-31T23:00:00Z"}`)
	})
}

func TestSilentExecutors(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.at["ex-2:1"].silent, w.at["ex-3:1"].down = true, true
		begin := time.Now()
		expect(t, "silent", c.Look(t.Context()).Silent, "executor ex-2 (ex-2:1) does not answer: no answer for 5s\nexecutor ex-3 (ex-3:1) does not answer: connection refused")
		if took := time.Since(begin); took > answer {
			t.Errorf("took %v", took)
		}
	})
}

func TestConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld("ex-1", "ex-2")
		w.at["ex-1:1"].silent = true
		w.at["ex-2:1"].about.Engine = "0"
		_, err := connect(t.Context(), []string{"no:1", "ex-1:1", "ex-2:1"}, w.dial)
		expect(t, "error", err, "no executor answers: no:1: connection refused; ex-1:1: no answer for 5s; ex-2:1: it has version 0 of the engine, this program version "+
			node.Engine+": install the same one")
		_, err = connect(t.Context(), nil, w.dial)
		if err == nil || !strings.Contains(err.Error(), "--cluster") {
			t.Error(err)
		}
	})
}

func TestUnknownJob(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.worker("ads", "d", 1, "ex-1")
		w.worker("clicks", "d", 1, "ex-1")
		say := func(string) {}
		expect(t, "stop", c.Stop(t.Context(), "adss", StopOptions{Say: say}), `no job "adss" runs in the cluster; did you mean ads?; jobs: ads, clicks`)
		expect(t, "scale", c.Scale(t.Context(), "x", 3, say), `no job "x" runs in the cluster; jobs: ads, clicks`)
	})
}

// stop stops ads and gives what was said, with what the executors were asked for behind.
func stop(t *testing.T, w *world, c *Cluster, long time.Duration, now bool) ([]string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	var said []string
	err := c.Stop(ctx, "ads", StopOptions{Now: now, Say: func(s string) { said = append(said, s) }})
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(said, w.log...), err
}

func TestStop(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.worker("ads", "d", 1, "ex-2", "ex-3")
		w.host("ex-1", "ads", true)
		said, err := stop(t, w, c, time.Minute, false)
		expect(t, "stop", said, `ads: the driver that stood by on ex-1 has ended
ads: its driver (d) finishes the batch at hand
ads: stopped
cancel ex-1
ask ex-2 stop 0`)
		expect(t, "error", err, "")
	})
}

// A driver that does nothing is asked again, and given up at last.
func TestStopUnheard(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.worker("ads", "d", 1, "ex-2")
		w.deaf = true
		said, err := stop(t, w, c, 12*time.Second, false)
		expect(t, "stop", said, "ads: its driver (d) finishes the batch at hand\nask ex-2 stop 0\nask ex-2 stop 0\nask ex-2 stop 0")
		expect(t, "error", err, "job ads has not ended yet: its driver (d) finishes the batch at hand")
		w.log = nil
		said, err = stop(t, w, c, time.Minute, true)
		expect(t, "stop --now", said, "ads: its driver (d) leaves at once\nads: stopping its workers on ex-2\nads: stopped\nask ex-2 stop 1\nstop ex-2")
		expect(t, "error", err, "")
	})
}

// A submitted driver that attends no executor hears no request.
func TestStopDriverWithoutExecutors(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.host("ex-3", "ads", false)
		said, err := stop(t, w, c, time.Minute, false)
		expect(t, "stop", said, "ads: ending its driver on ex-3\nads: stopped\ncancel ex-3")
		expect(t, "error", err, "")
	})
}

func TestStopWithoutDriver(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.worker("ads", "", 1, "ex-1", "ex-2")
		_, err := stop(t, w, c, time.Minute, false)
		expect(t, "error", err, "no driver runs job ads; its workers on ex-1, ex-2 wait for one, and end by themselves; --now ends them")
		said, err := stop(t, w, c, time.Minute, true)
		slices.Sort(said)
		expect(t, "stop --now", said, "ads: stopped\nads: stopping its workers on ex-1, ex-2\nstop ex-1\nstop ex-2")
		expect(t, "error", err, "")
	})
}

func scale(t *testing.T, w *world, c *Cluster, n int, long time.Duration) (said []string, err error) {
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	err = c.Scale(ctx, "ads", n, func(s string) { said = append(said, s) })
	return said, err
}

func TestScale(t *testing.T) {
	in(t, func(t *testing.T, w *world, c *Cluster) {
		w.worker("ads", "d", 1, "ex-1")
		for _, s := range []struct {
			n    int
			want string
		}{
			{3, "ads: 1 executor, to be 3\nads: 3 executors"},
			{2, "ads: 3 executors, to be 2\nads: 2 executors"},
			{9, "ads: there are 3 executors; it takes more as they come\nads: 2 executors, to be 3\nads: 3 executors"},
			{1, "ads: 3 executors, to be 1\nads: 1 executor"},
			{0, "ads: 1 executor, to be 3\nads: 3 executors"},
		} {
			said, err := scale(t, w, c, s.n, time.Minute)
			expect(t, "scale", said, s.want)
			expect(t, "error", err, "")
		}
		w.deaf = true
		_, err := scale(t, w, c, 1, 20*time.Second)
		expect(t, "error", err, "job ads uses 3 executors, 1 asked for: its driver goes on, and its log names those that it cannot use")
		w.job("ex-1", "ads").Driver, w.job("ex-2", "ads").Driver, w.job("ex-3", "ads").Driver = "", "", ""
		_, err = scale(t, w, c, 1, 20*time.Second)
		expect(t, "error", err, "ask job ads for 1 executor: job ads: no driver attends the job here")
	})
}

func TestSubmit(t *testing.T) {
	path := t.TempDir() + "/job"
	if err := os.WriteFile(path, []byte("binary"), 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := fleet.ReadBinary(path)
	if err != nil {
		t.Fatal(err)
	}
	in(t, func(t *testing.T, w *world, c *Cluster) {
		submit := func(standby bool) (string, error) {
			return c.Submit(t.Context(), node.Submission{Job: "ads", Standby: standby}, b, nil)
		}
		_, err := submit(true)
		expect(t, "standby of nothing", err, "job ads does not run, so nothing can stand by for it: submit it without --standby first")
		w.at["ex-3:1"].full = true // the one with the most memory
		host, err := submit(false)
		expect(t, "host", host, "ex-2")
		expect(t, "error", err, "")
		_, err = submit(false)
		expect(t, "twice", err, "job ads was submitted already, its driver is on executor ex-2: stop it first, or give --standby")
		w.at["ex-1:1"].about.Draining = true
		_, err = submit(true)
		expect(t, "no place", err, "no executor takes job ads: executor ex-1 is about to stop\nexecutor ex-3: not enough room")
		w.at["ex-3:1"].full = false
		host, err = submit(true)
		expect(t, "standby", host, "ex-3")
		expect(t, "error", err, "")
		w.forget("ads")
		w.worker("ads", "laptop, pid 1", 1, "ex-1")
		_, err = submit(false)
		expect(t, "attached", err, "job ads runs already (laptop, pid 1): stop it first, or give --standby")
	})
}
