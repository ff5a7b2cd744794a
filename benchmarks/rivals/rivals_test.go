package rivals

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/benchmarks/kafka"
	"github.com/tidemill/tidemill/benchmarks/ysb"
	"github.com/tidemill/tidemill/connectors/servicetest"
)

func TestMain(m *testing.M) { servicetest.Main(m) }

func TestOutcome(t *testing.T) {
	o, err := parseOutcome("SLF4J: nothing\nresult all=100 late=0 events=40 wall_ms=20 cpu_ms=60\n")
	if want := (outcome{100, 0, 40, 20, 60}); err != nil || o != want {
		t.Fatalf("got %+v, %v; want %+v", o, err, want)
	}
	c, err := o.cost(100) // 40 of 100 events were timed
	if err != nil || c.Wall != 50*time.Millisecond || c.CPU != 150*time.Millisecond {
		t.Errorf("got %+v, %v", c, err)
	}
	for _, bad := range []outcome{{99, 0, 40, 20, 60}, {100, 1, 40, 20, 60}, {100, 0, 0, 0, 60}, {100, 0, 40, 20, 0}} {
		if c, err := bad.cost(100); err == nil {
			t.Errorf("%+v costs %+v", bad, c)
		}
	}
	for _, out := range []string{"", "result all=100", "Exception in thread main"} {
		if o, err := parseOutcome(out); err == nil {
			t.Errorf("%q is %+v", out, o)
		}
	}
}

func TestReadViews(t *testing.T) {
	file := filepath.Join(t.TempDir(), "views.tsv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one\t10000\t7\ntwo\t20000\t1\n")
	got, err := readViews(file)
	want := []ysb.Views{{Campaign: "one", Window: time.Unix(10, 0).UTC(), Views: 7}, {Campaign: "two", Window: time.Unix(20, 0).UTC(), Views: 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, text := range []string{"one\t10000\n", "one\tx\t7\n", "one\t10000\tx\n", "\n"} {
		write(text)
		if got, err := readViews(file); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
	if _, err := readViews(file + ".none"); err == nil {
		t.Error("no file is no error")
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{Rival: "storm"}, {Pairs: -1}, {Load: kafka.Load{Events: -1}}, {SparkBatch: 10, SparkWarm: 2, Load: kafka.Load{Events: 20}}} {
		if err := Scenario(context.Background(), &strings.Builder{}, o); err == nil {
			t.Errorf("%+v passes", o)
		}
	}
}

// A rival that cannot be fetched is left out, and says why.
func TestRivalThatCannotBeFetched(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	t.Setenv("JAVA_HOME", "")
	for _, r := range rivals {
		var out strings.Builder
		err := against(t.Context(), &out, r, Options{}, &kafka.Topic{}, t.TempDir())
		if err != nil || !strings.Contains(out.String(), r.name+" is left out: java -version") {
			t.Errorf("%s: %v, and said %q", r.name, err, &out)
		}
	}
	for name, by := range map[string]func(context.Context, string) error{"python3": pip("x"), "mvn": maven("flink.pom.xml")} {
		if _, err := (piece{"x", "", by}).get(t.Context(), &strings.Builder{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A piece is in the cache as a whole or not at all, and fetched once.
func TestPiece(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fetched := 0
	p := piece{"engine-1.0", "1 kB", func(_ context.Context, dir string) error {
		if fetched++; fetched == 1 {
			return context.Canceled
		}
		return os.WriteFile(filepath.Join(dir, "jar"), nil, 0o644)
	}}
	var out strings.Builder
	if dir, err := p.get(t.Context(), &out); err == nil {
		t.Fatalf("what failed is in %s", dir)
	}
	for range 2 {
		dir, err := p.get(t.Context(), &out)
		if err != nil {
			t.Fatal(err)
		}
		if there, _ := os.ReadDir(filepath.Dir(dir)); len(there) != 1 || filepath.Base(dir) != p.name {
			t.Errorf("%v beside %s", there, dir)
		}
	}
	if fetched != 2 {
		t.Errorf("fetched %d times", fetched)
	}
}

// The part of the programs that needs no engine compiles.
func TestSharedSourceCompiles(t *testing.T) {
	javac, err := program("javac", "-version")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, sources); err != nil {
		t.Fatal(err)
	}
	if err := run(exec.Command(javac, "-d", dir, filepath.Join(dir, "java", "Ysb.java"))); err != nil {
		t.Error(err)
	}
}
