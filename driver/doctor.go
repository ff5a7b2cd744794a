package driver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// examinePatience is how long an endpoint has to answer the doctor.
const examinePatience = 15 * time.Second

// errBroken says that the doctor found something without which the job cannot run; what it is has been printed.
var errBroken = errors.New("the job cannot run as things are: see what is broken above")

// examine looks at everything around a job and prints what it finds, with what to do about it.
func examine(w io.Writer, g *dstream.Graph, c *config.Config, o Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), examinePatience)
	defer cancel()
	scratch, err := os.MkdirTemp("", "tidemill-doctor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	o.Place.Scratch = scratch
	all := []dstream.Examination{{Kind: "machine", Findings: []dstream.Finding{
		examineCheckpoint(ctx, o), examineFolder("scratch", o.Scratch, int64(c.Memory.Blocks)), examinePage(c.UI),
	}}}
	if o.Cluster != nil {
		all = append(all, examineCluster(ctx, o.Cluster))
	}
	all = append(all, g.Examine(ctx, o.Place)...)
	var counts [3]int
	for _, e := range all {
		printExamination(w, e)
		for _, f := range e.Findings {
			counts[f.Severity]++
		}
	}
	fmt.Fprintf(w, "\ndoctor: %d ok, %d to think about, %d broken\n", counts[dstream.Fine], counts[dstream.Doubtful], counts[dstream.Broken])
	if counts[dstream.Broken] > 0 {
		return errBroken
	}
	return nil
}

func printExamination(w io.Writer, e dstream.Examination) {
	fmt.Fprintf(w, "%s %s", e.Kind, e.Name)
	if e.At != "" {
		fmt.Fprintf(w, " (%s)", e.At)
	}
	fmt.Fprintln(w)
	for _, f := range e.Findings {
		fmt.Fprintf(w, "  %-8s %s: %s\n", f.Severity, f.Subject, f.Text)
		if f.Remedy != "" {
			fmt.Fprintf(w, "           → %s\n", f.Remedy)
		}
	}
}

// examineCluster asks the executors that the configuration names.
func examineCluster(ctx context.Context, c *Cluster) dstream.Examination {
	out := dstream.Examination{Kind: "cluster"}
	for _, address := range c.Addresses {
		f := dstream.Finding{Subject: "executor " + address}
		about, err := askExecutor(ctx, address, c.Credentials)
		switch {
		case err != nil:
			f.Severity, f.Text = dstream.Broken, err.Error()
			f.Remedy = "see that an executor runs there (it prints where it takes calls), and that both have certificates of the same cluster, or both none"
		case about.Engine != node.Engine:
			f.Severity, f.Text = dstream.Broken, fmt.Sprintf("%s has version %s of the engine, this job has version %s", about.Name, about.Engine, node.Engine)
			f.Remedy = "install the same version"
		case about.Draining:
			f.Severity, f.Text, f.Remedy = dstream.Doubtful, about.Name+" is about to leave", "name another executor too"
		default:
			f.Text = fmt.Sprintf("%s answers: %d slots, %.1f GB of memory free, sees %s", about.Name, about.Slots, float64(about.MemoryFree)/1e9, strings.Join(about.Members, ", "))
		}
		out.Findings = append(out.Findings, f)
	}
	return out
}

func askExecutor(ctx context.Context, address string, c *identity.Credentials) (node.About, error) {
	client, err := node.Dial(address, c)
	if err != nil {
		return node.About{}, err
	}
	defer client.Close()
	about, err := client.About(ctx)
	return about, err
}

// examineCheckpoint tells whether the checkpoint can be reached.
func examineCheckpoint(ctx context.Context, o Options) dstream.Finding {
	if dir, local := store.Local(o.Checkpoint); local {
		return examineFolder("checkpoint", dir, 1<<30)
	}
	f := dstream.Finding{Subject: "checkpoint " + store.Redacted(o.Checkpoint), Text: "it answers"}
	st, err := openStorage(ctx, o.Checkpoint, o.Name, true)
	if errors.Is(err, os.ErrNotExist) {
		f.Text = "it answers, and has no checkpoint of the job yet"
		return f
	}
	if err != nil {
		f.Severity, f.Text, f.Remedy = dstream.Broken, err.Error(), "a job cannot start without its checkpoint: see that the cluster is up, or set checkpoint to another place"
		return f
	}
	st.Close()
	return f
}

// examineFolder tells whether a folder, or the nearest one above it that is there, can be written, has room, and how long a sync takes.
func examineFolder(what, dir string, enough int64) dstream.Finding {
	f := dstream.Finding{Subject: what + " " + dir}
	at := dir
	for at != filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil {
			break
		}
		at = filepath.Dir(at)
	}
	took, err := syncTime(at)
	if err != nil {
		f.Severity, f.Text = dstream.Broken, err.Error()
		f.Remedy = fmt.Sprintf("let this user write to %s, or set %s to another directory", at, what)
		return f
	}
	f.Text = fmt.Sprintf("a file of it is durable in %v", took.Round(10*time.Microsecond))
	free, known := freeBytes(at)
	if known {
		f.Text += fmt.Sprintf(", %.1f GB free", float64(free)/1e9)
	}
	switch {
	case known && free < enough:
		f.Severity, f.Remedy = dstream.Doubtful, fmt.Sprintf("a job that runs out of space stops: make room for %.1f GB, or set %s to another disk", float64(enough)/1e9, what)
	case took > 50*time.Millisecond && what == "checkpoint":
		f.Severity, f.Remedy = dstream.Doubtful, "every batch waits for two or three of these: put the checkpoint on a faster disk, or lengthen the interval"
	}
	return f
}

// syncTime writes and syncs a small file.
func syncTime(dir string) (time.Duration, error) {
	t, err := os.CreateTemp(dir, ".tidemill-doctor-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(t.Name())
	defer t.Close()
	began := time.Now()
	if _, err := t.Write(make([]byte, 4096)); err != nil {
		return 0, err
	}
	if err := t.Sync(); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// examinePage tells whether the page's port is free. A job finds another one itself, so it is never broken.
func examinePage(addr string) dstream.Finding {
	f := dstream.Finding{Subject: "page " + addr, Text: "its port is free"}
	if addr == "" {
		return dstream.Finding{Subject: "page", Text: "switched off"}
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		f.Severity, f.Text, f.Remedy = dstream.Doubtful, err.Error(), "the job will take another port and say which; set ui to choose one"
		return f
	}
	l.Close()
	return f
}
