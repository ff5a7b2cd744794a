package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/cmd/crash/ledger"
	"github.com/tidemill/tidemill/cmd/crash/tail"
)

// Report is what is kept of a run, beside its outputs and logs.
type Report struct {
	Plan     plan           `json:"plan"`
	Deeds    []Deed         `json:"deeds"`
	Commits  []tail.Commit  `json:"commits"`
	Restarts int            `json:"restarts"` // of driver commands
	Verdict  ledger.Verdict `json:"verdict"`
	Error    string         `json:"error,omitempty"` // why it did not come to its end
	Took     time.Duration  `json:"took"`            // ns
	Phases   phases         `json:"phases"`
}

// phases are where the time of a run went.
type phases struct {
	Start time.Duration `json:"start"` // until the first commit, builds included, ns
	Job   time.Duration `json:"job"`   // until the job had ended
	Leave time.Duration `json:"leave"` // until everybody had left
	Judge time.Duration `json:"judge"`
}

// Files of a report.
const (
	reportName  = "report.json"
	outputsName = "outputs.json.gz"
)

// good tells whether the run came to its end and everything was right.
func (r *Report) good() bool { return r.Error == "" && r.Verdict.Good() }

// execute is one run, whatever becomes of it. An error is one of the suite itself.
func execute(s *settings, p plan) (*Report, error) {
	began := time.Now()
	r, err := newRun(s, p)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", p.Name, err)
	}
	rep := &Report{Plan: p}
	if err := r.do(); err != nil {
		rep.Error = err.Error()
	}
	rep.Deeds, rep.Commits, rep.Restarts, rep.Verdict = r.deeds, r.tail.Commits(), r.restarts, r.verdict
	rep.Took, rep.Phases = time.Since(began), r.phases
	if err := writeJSON(filepath.Join(r.dir, reportName), rep); err != nil {
		return nil, err
	}
	if rep.good() {
		err = r.tidy()
	}
	return rep, err
}

// tidy removes what can be made again from the seed, or says no more than the outputs that are kept.
func (r *run) tidy() error {
	var errs []error
	names := []string{"in", "out", "scratch", "checkpoint", "tmp", "certs"}
	for i := range r.s.executors() {
		names = append(names, fmt.Sprintf("ex-%d", i+1))
	}
	for _, n := range names {
		errs = append(errs, os.RemoveAll(filepath.Join(r.dir, n)))
	}
	return errors.Join(errs...)
}

func (r *run) keepOutputs(got ledger.Outputs) error {
	text, err := json.Marshal(got)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.dir, outputsName), b.Bytes(), 0o644)
}

// replay judges the outputs of a report again.
func replay(dir string) (*Report, error) {
	text, err := os.ReadFile(filepath.Join(dir, reportName))
	if err != nil {
		return nil, err
	}
	rep := &Report{}
	if err := json.Unmarshal(text, rep); err != nil {
		return nil, fmt.Errorf("%s: %w", reportName, err)
	}
	f, err := os.Open(filepath.Join(dir, outputsName))
	if err != nil {
		return nil, fmt.Errorf("%w: the run did not come to its end: %s", err, rep.Error)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", outputsName, err)
	}
	var got ledger.Outputs
	if err := json.NewDecoder(z).Decode(&got); err != nil {
		return nil, fmt.Errorf("%s: %w", outputsName, err)
	}
	rep.Verdict = ledger.Judge(ledger.TruthOf(rep.Plan.Size), got, true)
	return rep, nil
}

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// batch is what the audit reads of `driver batches --json`.
type batch struct {
	Batch   int64
	Outcome string
	Sources []struct{ Delivered, Rejected int64 }
	Steps   []struct{ Late int64 }
}

// auditLog checks the engine's own account: batches follow each other, each was committed once, and together they read the input once.
func (r *run) auditLog() error {
	cmd := exec.Command(r.s.driver, "batches", "--checkpoint", filepath.Join(r.dir, "checkpoint"), "--last", "1000000", "--json")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("driver batches: %w: %s", err, complaint.Bytes())
	}
	found, err := audit(text, r.p.Size.Rows)
	r.verdict.Add(found)
	return err
}

// audit reads a list of batches, the newest first.
func audit(text []byte, rows int64) (v ledger.Verdict, err error) {
	read, next := int64(0), int64(-1)
	wrong := func(format string, args ...any) {
		v.Wrong++
		v.Findings = append(v.Findings, fmt.Sprintf(format, args...))
	}
	var batches []batch
	if err := json.Unmarshal(text, &batches); err != nil {
		return v, fmt.Errorf("driver batches: %w", err)
	}
	for _, b := range batches {
		if b.Outcome != "committed" {
			continue
		}
		if next >= 0 && b.Batch != next {
			wrong("the log has batch %d where %d should be", b.Batch, next)
		}
		next = b.Batch - 1
		for _, s := range b.Sources {
			read += s.Delivered
			if s.Rejected > 0 {
				wrong("batch %d rejected %d rows", b.Batch, s.Rejected)
			}
		}
		for _, s := range b.Steps {
			if s.Late > 0 {
				wrong("batch %d took %d rows for late", b.Batch, s.Late)
			}
		}
	}
	if next > 0 {
		wrong("the oldest batch in the log is %d", next+1)
	}
	if read != rows {
		wrong("committed batches have read %d rows, the input has %d", read, rows)
	}
	return v, nil
}
