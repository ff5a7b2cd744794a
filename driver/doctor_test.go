package driver

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/dstream"
)

// looked is a source that finds something out about itself.
type looked struct {
	numbers
	found []dstream.Finding
}

func (l looked) Examine(context.Context) []dstream.Finding { return l.found }

func examineJob(t *testing.T, found ...dstream.Finding) (string, error) {
	t.Helper()
	o := testOptions(t)
	o.Settings.Sinks = map[string]string{"nowhere": "nosuchscheme://x"}
	g, err := dstream.Build(func(job *dstream.Job) {
		s := job.Read("numbers", dstream.Source[int64](looked{numbers{n: 1, step: 1}, found}))
		s.Write("kept", &kept{})
		if len(found) == 0 {
			s.WriteTo("nowhere")
		}
	}, o.Name, o.Settings)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = examine(&out, g, &config.Config{}, o)
	return out.String(), err
}

func TestDoctor(t *testing.T) {
	text, err := examineJob(t,
		dstream.Finding{Subject: "broker b1:9092", Text: "answers in 2 ms"},
		dstream.Finding{Severity: dstream.Doubtful, Subject: "topic ads", Text: "one replica", Remedy: "give it three"})
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"machine", "ok       checkpoint ", "is durable in", "page: switched off", "source numbers (doctor_test.go:", "  ok       broker b1:9092: answers in 2 ms\n",
		"  warning  topic ads: one replica\n           → give it three\n", "sink kept", "nothing more is known", "doctor: 5 ok, 1 to think about, 0 broken",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestDoctorFindsWhatIsBroken(t *testing.T) {
	text, err := examineJob(t)
	if !errors.Is(err, errBroken) || !strings.Contains(text, "sink nowhere (doctor_test.go:") || !strings.Contains(text, "  broken   open: no sink connector") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestDoctorOnAFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := examineFolder("checkpoint", filepath.Join(file, "checkpoint"), 0)
	if f.Severity != dstream.Broken || !strings.Contains(f.Remedy, "set checkpoint to another directory") {
		t.Errorf("got %+v", f)
	}
	if f := examineFolder("scratch", t.TempDir(), 1<<62); f.Severity != dstream.Doubtful || !strings.Contains(f.Remedy, "make room") {
		t.Errorf("got %+v", f)
	}
	if f := examinePage("256.0.0.1:1"); f.Severity != dstream.Doubtful {
		t.Errorf("got %+v", f)
	}
}
