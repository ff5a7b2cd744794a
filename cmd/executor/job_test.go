package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clusterviews "github.com/tidemill/tidemill/cmd/cluster/views"
	"github.com/tidemill/tidemill/connectors/generate"
	_ "github.com/tidemill/tidemill/connectors/sqlite"
	"github.com/tidemill/tidemill/dstream"
)

type (
	ad struct {
		ID    string    `col:"ad_id"`
		Event string    `col:"event_type"`
		At    time.Time `col:"event_time"`
	}
	campaign struct {
		Ad string `col:"ad_id,key"`
		ID string `col:"campaign_id"`
	}
	counted struct {
		Campaign string    `col:"campaign_id,partition"`
		Window   time.Time `col:"window,key"`
		Views    int64     `col:"views"`
	}
)

// leaked is what the job that leaks keeps for ever.
var leaked [][]byte

// views is the job of examples/ads. Its parameter says what is wrong with it, mostly in workers only.
func views(job *dstream.Job) {
	wrong := job.String("wrong", "", "what is wrong with the job")
	if os.Getenv("TIDEMILL_MODE") == "worker" {
		switch wrong {
		case "panic":
			panic("no licence on this machine")
		case "silent":
			select {}
		}
	}
	campaigns := job.Table[string, campaign]("campaigns")
	ads := job.Source[ad]("ads")
	if wrong == "graph" && os.Getenv("TIDEMILL_MODE") == "worker" {
		ads = ads.Filter(func(a ad) bool { return a.ID != "" })
	}
	ads.
		Filter(func(a ad) bool { return isView(a, wrong) }).
		EventTime(func(a ad) time.Time { return a.At }, dstream.Watermark{Delay: 5 * time.Second}).
		Lookup(campaigns, func(a ad) string { return a.ID }, func(_ ad, c campaign) string { return c.ID }).
		KeyBy(dstream.Itself).
		Window(dstream.Tumbling(clusterviews.Window)).
		Count().
		Map(func(campaign string, w dstream.Window, n int64) counted { return counted{campaign, w.Start, n} }).
		WriteTo("views")
}

// isView keeps views. A job that leaks takes 4 KiB for each, and ends its whole process in a goroutine that nobody watches once it has 48 MiB.
func isView(a ad, wrong string) bool {
	if wrong == "leak" {
		leaked = append(leaked, make([]byte, 4<<10))
		if len(leaked) > 12<<10 {
			go panic("the leak has sprung")
		}
	}
	return a.Event == "view"
}

// endless is more events than a test takes.
const endless = 1 << 40

// spacing is the event time between two events.
const spacing = time.Millisecond

// place is a job's folder, with its configuration.
type place struct {
	dir, name string
	events    int64
}

func newPlace(t *testing.T, name string, events int64) place {
	t.Helper()
	p := place{t.TempDir(), name, events}
	text := fmt.Sprintf(`job: %s
interval: 50ms
ui: "off"
checkpoint: %s
scratch: %s
sources: {ads: "generate://ads?seed=1&events=%d&spacing=%v"}
tables: {campaigns: "generate://campaigns?seed=1"}
sinks: {views: "sqlite://%s?table=views"}
limits: {rows_per_batch: 5000}
rate: {control: false}
`, name, filepath.Join(p.dir, "checkpoint"), p.dir, events, spacing, p.table())
	if err := os.WriteFile(p.config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p place) config() string { return filepath.Join(p.dir, "tidemill.yaml") }
func (p place) table() string  { return filepath.Join(p.dir, "views.db") }

// exact compares the job's table with the truth.
func (p place) exact(t *testing.T) {
	t.Helper()
	want, err := clusterviews.Truth(generate.Ads{Seed: 1, Spacing: spacing}, p.events)
	if err != nil {
		t.Fatal(err)
	}
	got, err := clusterviews.Read(p.table())
	if err != nil {
		t.Fatal(err)
	}
	if err := clusterviews.Compare(got, want); err != nil {
		t.Error(err)
	}
}

// driver runs the job as `driver run --cluster` does: its binary, with settings in variables.
func (p place) driver(t *testing.T, cluster, wrong string, settings ...string) *process {
	t.Helper()
	env := []string{"TIDEMILL_MODE=run", "TIDEMILL_CONFIG=" + p.config(), "TIDEMILL_CLUSTER_ADDRESS=" + cluster}
	var args []string
	if wrong != "" {
		args = []string{"-wrong", wrong}
	}
	return run(t, "driver", append(env, settings...), args...)
}

// identified is what makes a process of the job show a certificate.
func identified(dir string) (env []string) {
	for name, file := range files(dir) {
		env = append(env, "TIDEMILL_CLUSTER_"+strings.ToUpper(name)+"="+file)
	}
	return env
}
