package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write golden files and docs/configuration.md instead of comparing")

// golden compares got with the file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; if that is meant, run with -rewrite\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

// load writes the file and loads it together with the environment and the flags.
func load(t *testing.T, yaml string, environ []string, flags map[string]string) (*Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(yaml), 0o644); err != nil {
		t.Fatal(err)
	}
	return Load(Options{File: path, Environ: environ, Flags: flags})
}

func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			_, err := Load(Options{File: path})
			if err == nil {
				t.Fatal("loaded without an error")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "")
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", got+"\n")
		})
	}
}

func TestManualIsUpToDate(t *testing.T) {
	golden(t, "../../docs/configuration.md", Markdown())
}

func TestEveryDefaultAndExampleIsAccepted(t *testing.T) {
	for _, k := range Keys() {
		if _, err := parseDefault(&k); err != nil {
			t.Error(err)
		}
		if _, err := k.parse(k.Example); err != nil {
			t.Errorf("example of %s: %v", k.Name, err)
		}
	}
	for _, k := range Maps() {
		if _, err := load(t, k.Name+":\n  "+k.Example, nil, nil); err != nil {
			t.Errorf("example of %s: %v", k.Name, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	c, err := Load(Options{JobFile: "wordcount"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Job != "wordcount" || c.Interval != time.Second || c.Memory.Blocks != 256<<20 || c.UI != "127.0.0.1:4040" ||
		c.Parallelism != runtime.GOMAXPROCS(0) || c.Log.Level != "info" || c.ChunkRows != 4096 || c.GOGC != 200 ||
		!filepath.IsAbs(c.Scratch) || c.Sources == nil || c.Checkpoint != "" || c.IsSet("interval") || c.Rate != (Rate{Control: true, Initial: 100_000, Target: 0.9}) {
		t.Errorf("%+v", c)
	}
}

func TestRate(t *testing.T) {
	c, err := load(t, "rate:\n  control: false\n  target: 0.5\n", []string{"TIDEMILL_RATE_INITIAL=7", "TIDEMILL_RATE_TARGET=1"}, nil)
	if err != nil || c.Rate != (Rate{Initial: 7, Target: 1}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"control: maybe", "control: 1", "target: 0", "target: NaN", "target: 2", "initial: 0", "initial: fast"} {
		if _, err := load(t, "rate:\n  "+bad+"\n", nil, nil); err == nil || !strings.Contains(err.Error(), "rate.") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestLaterLayersWin(t *testing.T) {
	yaml := "interval: 2s\nretries: 1\nlog:\n  level: warn\nmemory: {blocks: 2MiB}\n"
	env := []string{"TIDEMILL_RETRIES=2", "TIDEMILL_MEMORY_BLOCKS=3MiB", "TIDEMILL_UI=off", "TIDEMILL_GRACE=", "HOME=/x"}
	c, err := load(t, yaml, env, map[string]string{"memory::blocks": "4MiB"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Interval != 2*time.Second || c.Retries != 2 || c.Memory.Blocks != 4<<20 || c.Log.Level != "warn" || c.UI != "" ||
		c.Grace != 30*time.Second {
		t.Errorf("%+v", c)
	}
	for key, want := range map[string]string{
		"interval": FileName + ":1", "retries": "TIDEMILL_RETRIES", "memory::blocks": "--memory.blocks", "log::level": FileName + ":4",
	} {
		if got := c.Origins[key]; filepath.Base(got) != want {
			t.Errorf("origin of %s: %s, want %s", key, got, want)
		}
	}
	if c.IsSet("grace") || !c.IsSet("ui") {
		t.Error("IsSet: an empty variable is not set, off is")
	}
}

func TestEndpoints(t *testing.T) {
	yaml := `
sources:
  Ads: kafka://h/ads
  click-log: {url: "files:./x", a: 1}
  clicks: {url: "files:./c", fetch.min.bytes: 1, Group: x}
sinks: &s
  views: sqlite:v.db
tables: *s
`
	env := []string{"TIDEMILL_SOURCES_ADS=generate:ads", "TIDEMILL_SINKS_NEW=console:", "TIDEMILL_SOURCES_CLICK_LOG=files:./y"}
	c, err := load(t, yaml, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	clicks, err := c.Sources["clicks"].Resolve()
	if err != nil || clicks != "files:./c?Group=x&fetch.min.bytes=1" {
		t.Error(clicks, err)
	}
	if e := c.Sources["click-log"]; e.String() != "files:./y" || len(c.Sources) != 3 {
		t.Errorf("click-log: %v of %v", e, c.Sources)
	}
	if c.Sources["Ads"].URL != "generate:ads" || c.Sinks["new"].URL != "console:" || c.Tables["views"].URL != "sqlite:v.db" {
		t.Errorf("%+v %+v %+v", c.Sources, c.Sinks, c.Tables)
	}
}

func TestVariablesAndFlagsInError(t *testing.T) {
	env := []string{"TIDEMILL_INTERVALL=1s", "TIDEMILL_RETRIES=many", "TIDEMILL_SOURCES_A=x:y", "TIDEMILL_PORT_4040_TCP=tcp://x",
		"TIDEMILL_SERVICE_HOST=10.0.0.1", "TIDEMILL_FRESH=true", "TIDEMILL_SOURCES_B=nonsense", "TIDEMILL_X=1"}
	_, err := load(t, "sources: {a: 'x:1', A: 'x:2'}", env, map[string]string{"ui": "0.0.0.0:80", "nope": "1"})
	if err == nil {
		t.Fatal("no error")
	}
	golden(t, "testdata/variables.txt", err.Error()+"\n")
}

// The table of keys and the fields of Config are the same settings.
func TestEveryFieldHasAKey(t *testing.T) {
	var fields []string
	var walk func(path string, s reflect.Type)
	walk = func(path string, s reflect.Type) {
		for i := range s.NumField() {
			f := s.Field(i)
			name := join(path, f.Tag.Get("mapstructure"))
			switch {
			case f.Tag.Get("mapstructure") == "-":
			case f.Type.Kind() == reflect.Struct:
				walk(name, f.Type)
			default:
				fields = append(fields, name)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
	for _, name := range fields {
		if findKey(name) == nil {
			t.Errorf("no key for the field %s", name)
		}
	}
	if len(fields) != len(keys) {
		t.Errorf("%d fields, %d keys", len(fields), len(keys))
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(Options{File: filepath.Join(dir, "none.yaml")}); err == nil {
		t.Error("a missing file loaded")
	}
	if _, err := Load(Options{File: dir}); err == nil {
		t.Error("a folder loaded")
	}
	if _, err := load(t, strings.Repeat("#", maxFile+1), nil, nil); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Error(err)
	}
	if path, err := Find(dir); path != "" || err != nil {
		t.Error(path, err)
	}
}

func TestDefaultCheckpoint(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	if got, err := DefaultCheckpoint("ads"); err != nil || got != filepath.Join(state, "tidemill", "ads") {
		t.Error(got, err)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", state)
	if got, err := DefaultCheckpoint("ads"); err != nil || got != filepath.Join(state, ".local/state/tidemill/ads") {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "..", "a/b", ".x", strings.Repeat("x", 101)} {
		if _, err := DefaultCheckpoint(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzReadYAML(f *testing.F) {
	files, _ := filepath.Glob("testdata/mistakes/*.yaml")
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := readYAML("f", b)
		if len(l.mistakes) > 0 {
			return
		}
		if _, err := merge([]*layer{l}); err != nil {
			t.Fatal("checked values do not decode:", err)
		}
	})
}
