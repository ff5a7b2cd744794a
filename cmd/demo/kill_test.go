package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/tail"
	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/build"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
)

var (
	kills    = flag.Int("kills", 30, "how often the demo is killed")
	killSeed = flag.Uint64("seed", 1, "decides when")
)

const (
	killEvents  = 3_000_000
	killPerPlan = 5_000 // rows of a batch: 600 batches and the one that closes the windows
	killSpacing = 2 * time.Millisecond
)

// TestKill kills the demo's job with SIGKILL at seeded moments, starts it again each time, and finds the same table as without: after
// every kill all committed windows are right, and at the end every row is. No more rows are read than the input and, for each kill,
// the batch that was under way.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the demo for half a minute")
	}
	k := newKilled(t)
	want := truth(size{events: killEvents, spacing: killSpacing})
	inside, reread, n := 0, int64(0), 0
	for ; n < *kills || inside*30 < *kills*25 && n < 2**kills; n++ { // moments that miss a batch are made up for by more of them
		last := k.runUntilKilled(n)
		if open := k.open(); open > 0 {
			inside++
			reread += open
		}
		k.compareSoFar(n, last, want)
	}
	k.runToEnd()
	got, err := readTable(k.table)
	if err != nil {
		t.Fatal(err)
	}
	if err := compare(got, want); err != nil {
		t.Error(err)
	}
	batches, rows := k.committed()
	t.Logf("%d kills, %d of them between PLAN and COMMIT; %d batches; %d rows read, %d more than once", n, inside, batches, rows+reread, reread)
	if batches < 200 {
		t.Errorf("%d batches: the run is too short to be killed %d times", batches, n)
	}
	if inside*30 < *kills*25 {
		t.Errorf("%d of %d kills fell between PLAN and COMMIT: at least 25 of 30 should", inside, n)
	}
	if rows != killEvents {
		t.Errorf("%d rows in committed batches, the input has %d", rows, killEvents)
	}
	if most := int64(killEvents + n*2*killPerPlan); rows+reread > most {
		t.Errorf("%d rows read over all runs, at most %d are allowed", rows+reread, most)
	}
}

// killed is the job and the places it writes to.
type killed struct {
	t                         *testing.T
	binary, checkpoint, table string
	config                    string
	r                         *rand.Rand
	moment                    time.Duration // within which, after a plan, a kill comes
}

func newKilled(t *testing.T) *killed {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	b, err := build.Job(ctx, []string{"../../examples/ads/ads.go"}, build.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	k := &killed{
		t: t, binary: b.Path, checkpoint: filepath.Join(dir, "checkpoint"), table: filepath.Join(dir, "views.db"),
		config: filepath.Join(dir, "tidemill.yaml"), r: rand.New(rand.NewPCG(*killSeed, 1)), moment: 3 * time.Millisecond,
	}
	text := fmt.Sprintf(`interval: 2ms
ui: "off"
checkpoint: %s
sources: {ads: "generate://ads?seed=1&events=%d&spacing=%v"}
tables: {campaigns: "generate://campaigns?seed=1"}
sinks: {views: "sqlite://%s?table=views"}
limits: {rows_per_batch: %d}
rate: {control: false}
scratch: %s
`, k.checkpoint, killEvents, killSpacing, k.table, killPerPlan, dir)
	if err := os.WriteFile(k.config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return k
}

// start starts the job; out is what it prints.
func (k *killed) start() *exec.Cmd {
	cmd := exec.Command(k.binary)
	cmd.Env = append(os.Environ(), "TIDEMILL_CONFIG="+k.config)
	cmd.Stdout, cmd.Stderr = k.t.Output(), k.t.Output()
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	return cmd
}

// runUntilKilled lets the job commit a few batches more and kills it at a moment within the one after. It returns the last batch that
// was committed when it looked.
func (k *killed) runUntilKilled(n int) int64 {
	from := k.lastBatch()
	cmd := k.start()
	wait := from + 1 + k.r.Int64N(7)
	log := tail.Open(k.checkpoint) // which reads only what is new: one that falls behind lets the job run to its end
	defer log.Close()
	for deadline := time.Now().Add(time.Minute); ; {
		if err := log.Poll(time.Now()); err != nil {
			k.t.Fatal(err)
		}
		if batch, open := log.Planned(); open && batch >= wait {
			break
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("kill %d: the job has not planned batch %d within a minute", n, wait)
		}
	}
	for end := time.Now().Add(time.Duration(k.r.Int64N(int64(k.moment)))); time.Now().Before(end); {
		// A seeded moment, waited for without the sleep's coarse clock.
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		k.t.Fatalf("kill %d: the job was gone already: %v", n, err)
	}
	cmd.Wait()
	return k.lastBatch()
}

func (k *killed) runToEnd() {
	if err := k.start().Wait(); err != nil {
		k.t.Fatal(err)
	}
}

func (k *killed) read() (rec batchlog.Recovery, ok bool) {
	st, err := store.OpenDir(k.checkpoint, store.DirOptions{ReadOnly: true})
	if err != nil {
		return rec, false // not there yet
	}
	defer st.Close()
	rec, err = batchlog.Read(st)
	return rec, err == nil
}

func (k *killed) lastBatch() int64 {
	rec, ok := k.read()
	if !ok || rec.Commit == nil {
		return 0
	}
	return int64(rec.Commit.Batch)
}

// open is the number of rows of a plan without COMMIT.
func (k *killed) open() (rows int64) {
	rec, ok := k.read()
	if !ok {
		k.t.Fatal("the log of a killed job does not read")
	}
	for _, r := range rec.Open {
		rows += max(planRows(k.t, r.Payload), 1)
	}
	return rows
}

func planRows(t *testing.T, payload []byte) (rows int64) {
	var p struct{ Plan dstream.Plan }
	if err := json.Unmarshal(payload, &p); err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Plan.Sources {
		for _, part := range s.Parts {
			for _, split := range part {
				rows += split.To - split.From
			}
		}
	}
	return rows
}

// committed counts the batches of the whole history and the rows of their plans.
func (k *killed) committed() (batches, rows int64) {
	st, err := store.OpenDir(k.checkpoint, store.DirOptions{ReadOnly: true})
	if err != nil {
		k.t.Fatal(err)
	}
	defer st.Close()
	planned := map[batchlog.Batch]int64{}
	for r, err := range batchlog.History(st) {
		if err != nil {
			k.t.Fatal(err)
		}
		switch r.Type {
		case batchlog.Plan:
			planned[r.Batch] = planRows(k.t, r.Payload)
		case batchlog.Commit:
			batches++
			rows += planned[r.Batch]
		}
	}
	return batches, rows
}

// compareSoFar checks the table after a kill: it may lack windows, but a window that is there is right.
func (k *killed) compareSoFar(n int, last int64, want map[cell]int64) {
	got, err := readTable(k.table)
	if err != nil {
		k.t.Fatalf("kill %d after batch %d: %v", n, last, err)
	}
	for c, views := range got {
		if want[c] != views {
			k.t.Fatalf("kill %d after batch %d: campaign %s, window %d: %d views, %d are right", n, last, c.campaign, c.window, views, want[c])
		}
	}
}
