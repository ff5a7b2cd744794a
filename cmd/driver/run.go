package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/cmd/driver/supervise"
	"github.com/tidemill/tidemill/driver"
)

func init() { commands = append(commands, newRun) }

func newRun() *cobra.Command {
	c := &cobra.Command{
		Use:   "run [flags] job.go|./pkg [-- job flags]",
		Short: "Build a job, run it, and start it again if it crashes",
		Args:  jobArgs,
		RunE:  runJob,
	}
	jobFlags(c)
	jobClusterFlags(c)
	c.Flags().Bool("fresh", false, "start over: forget the checkpoint")
	c.Flags().Bool("replan", false, "give up a batch that was planned and cannot be run again, by this build or with input that is gone, and plan it anew")
	c.Flags().Bool("accept-loss", false, "go on without input that was deleted before any batch has read it")
	c.Flags().Bool("takeover", false, "take the checkpoint from whoever holds it")
	c.Flags().Bool("standby", false, "wait until the driver that has the checkpoint is gone, and go on in its place")
	return c
}

func runJob(c *cobra.Command, args []string) error {
	j, err := prepare(c, args)
	if err != nil {
		return err
	}
	for name, to := range map[string]*bool{"fresh": &j.start.Fresh, "replan": &j.start.Replan, "takeover": &j.start.Takeover, "accept-loss": &j.start.AcceptLoss,
		"standby": &j.start.Standby} {
		on, err := c.Flags().GetBool(name)
		if err != nil {
			return err
		}
		*to = *to || on
	}
	release, err := j.binary.Hold()
	if err != nil {
		return err
	}
	defer release()
	dir, err := os.MkdirTemp("", "tidemill-run-")
	if err != nil {
		return fmt.Errorf("prepare the run: %w", err)
	}
	defer os.RemoveAll(dir)
	j.start.Tell = filepath.Join(dir, "checkpoint")
	return statusOf(supervise.Run(supervise.Options{Command: j.next, Progress: j.progress}))
}

// next is the command of the next start. Once the job has opened its checkpoint, the flags that are meant for one
// start have done their work: --fresh again would throw away what was committed since.
func (j *job) next() *exec.Cmd {
	s := j.start
	if _, err := os.Stat(s.Tell); !errors.Is(err, fs.ErrNotExist) {
		s.Fresh, s.Replan, s.Takeover, s.AcceptLoss = false, false, false, false
	}
	return j.command(s)
}

// progress is the last committed batch in the checkpoint that the job told of.
func (j *job) progress() (batch int64, ok bool) {
	dir, err := os.ReadFile(j.start.Tell)
	if err != nil {
		return 0, false
	}
	return driver.LastBatch(string(dir))
}
