package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/driver/report"
)

func printed(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrint(t *testing.T) {
	redone := sample(23)
	redone.Redone = true
	batches := []report.Batch{*broken(24), *redone, *sample(22)}
	golden(t, "batches.txt", printed(t, func(w *bytes.Buffer) error { return Print(w, batches, false) }))
	golden(t, "batches.json", printed(t, func(w *bytes.Buffer) error { return Print(w, batches, true) }))
	golden(t, "batch.txt", printed(t, func(w *bytes.Buffer) error { return PrintOne(w, sample(22)) }))
	golden(t, "batch_failed.txt", printed(t, func(w *bytes.Buffer) error { return PrintOne(w, broken(24)) }))
	golden(t, "batch_bare.txt", printed(t, func(w *bytes.Buffer) error { return PrintOne(w, &report.Batch{Outcome: report.Running}) }))
}

func TestPrintNothing(t *testing.T) {
	if got := printed(t, func(w *bytes.Buffer) error { return Print(w, nil, true) }); got != "[]\n" {
		t.Errorf("no batches as JSON: %q", got)
	}
	if got := printed(t, func(w *bytes.Buffer) error { return Print(w, nil, false) }); got != "No batch has ended yet.\n" {
		t.Errorf("no batches: %q", got)
	}
}

// The JSON is the record itself: read back it is equal.
func TestJSONIsTheRecord(t *testing.T) {
	in := []report.Batch{*sample(1), *broken(2)}
	var out []report.Batch
	if err := json.Unmarshal([]byte(printed(t, func(w *bytes.Buffer) error { return Print(w, in, true) })), &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
}

// What a record made up must not move the cursor of who reads the error.
func TestPrintIsCleanText(t *testing.T) {
	b := broken(1)
	b.Job, b.Stages[0].Name, b.Sources[0].Name = "a\x1b[1A", "b\rc", "d\x9b2J"
	got := printed(t, func(w *bytes.Buffer) error { return PrintOne(w, b) }) +
		printed(t, func(w *bytes.Buffer) error { return Print(w, []report.Batch{*b}, false) }) + told(b)
	if i := strings.IndexAny(got, "\x1b\r\u009b"); i >= 0 {
		t.Errorf("a control character is printed: %q", got[max(0, i-20):i+10])
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("no space left on device")

func TestPrintSaysThatItCannot(t *testing.T) {
	for _, err := range []error{
		Print(fullDisk{}, []report.Batch{*sample(1)}, false), Print(fullDisk{}, []report.Batch{*sample(1)}, true), PrintOne(fullDisk{}, sample(1)),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("got %v, want %v", err, errFull)
		}
	}
}
