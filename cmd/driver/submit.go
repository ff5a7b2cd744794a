package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/driver/fleet/operate"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// nameTime is how long a job may take to say its name: it builds its graph, and opens nothing.
const nameTime = 30 * time.Second

func init() { commands = append(commands, newSubmit) }

func newSubmit() *cobra.Command {
	c := &cobra.Command{
		Use:   "submit [flags] job.go|./pkg [-- job flags]",
		Short: "Build a job and have a cluster run it, its driver too",
		Long: "Build a job, give it to an executor, and have that run the job's driver, which is restarted when it crashes. The job gets the settings\n" +
			"that hold here: tidemill.yaml, TIDEMILL_* variables and flags; files that they name must be where the executor runs, and so must\n" +
			"variables that they refer to. Set checkpoint to one that every executor reaches, so that the job can go on elsewhere.",
		Args: jobArgs,
		RunE: submitJob,
	}
	jobFlags(c)
	jobClusterFlags(c)
	for _, f := range onceFlags {
		c.Flags().Bool(f.name, false, f.usage)
	}
	c.Flags().Bool("standby", false, "wait until the driver of the job is gone, and go on in its place")
	return c
}

// onceFlags are meant for the first start.
var onceFlags = []struct{ name, usage, variable string }{
	{"fresh", "start over: forget the checkpoint", "TIDEMILL_FRESH"},
	{"replan", "give up a batch that was planned and cannot be run again, and plan it anew", "TIDEMILL_REPLAN"},
	{"accept-loss", "go on without input that was deleted before any batch has read it", "TIDEMILL_ACCEPT_LOSS"},
	{"takeover", "take the checkpoint from whoever holds it", "TIDEMILL_TAKEOVER"},
}

func submitJob(c *cobra.Command, args []string) error {
	j, err := prepare(c, args)
	if err != nil {
		return err
	}
	set, err := config.Load(config.Options{File: j.start.File, Environ: os.Environ(), Flags: clusterGiven(c)})
	if err != nil {
		return err
	}
	maps.Copy(j.settings, clusterGiven(c))
	s := node.Submission{Args: j.args}
	if s.Standby, err = c.Flags().GetBool("standby"); err != nil {
		return err
	}
	if j.start.File != "" {
		if s.File, err = os.ReadFile(j.start.File); err != nil {
			return fmt.Errorf("read the configuration: %w", err)
		}
	}
	return onCluster(set.Cluster, func(ctx context.Context, o *operate.Cluster, credentials *identity.Credentials) error {
		if s.Job, err = j.name(ctx); err != nil {
			return err
		}
		b, err := fleet.ReadBinary(j.binary.Path)
		if err != nil {
			return err
		}
		s.Env = j.submitted(c, os.Environ(), o.Addresses())
		host, err := o.Submit(ctx, s, b, credentials)
		if err != nil {
			return err
		}
		role := "its driver runs"
		if s.Standby {
			role = "a driver stands by"
		}
		fmt.Fprintf(c.OutOrStdout(), "%s: %s on executor %s; driver jobs, scale and stop show and change it\n", s.Job, role, host)
		return nil
	})
}

// name asks the job for its name, which its code may set.
func (j *job) name(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	start := j.start
	start.Mode = config.ModeName
	asked := j.command(start)
	cmd := exec.CommandContext(ctx, asked.Path, j.args...)
	cmd.Env = asked.Env
	var out, text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &text
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("its build function has not returned for %v", nameTime)
		}
		return "", errors.Join(fmt.Errorf("ask the job for its name: %w", err), textOf(text.String()))
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	name := lines[len(lines)-1] // the job may print something itself
	if err := config.CheckJob(name); err != nil {
		return "", err
	}
	return name, nil
}

func textOf(s string) error {
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	return errors.New(s)
}

// submitted is the environment of the submitted driver: the settings that hold here, and where its executors are. Its credentials are those
// of the executor that it runs on.
func (j *job) submitted(c *cobra.Command, environ, executors []string) (env []string) {
	own := []string{"TIDEMILL_ENGINE"}
	for _, s := range clusterSettings {
		own = append(own, config.EnvName(s.key))
	}
	for _, e := range config.WithoutStart(environ) {
		if name, value, _ := strings.Cut(e, "="); strings.HasPrefix(name, "TIDEMILL_") && value != "" && !slices.Contains(own, name) {
			env = append(env, e)
		}
	}
	for name, value := range j.settings {
		if v := config.EnvName(name); !slices.Contains(own, v) {
			env = append(env, v+"="+value)
		}
	}
	for _, f := range onceFlags {
		if on, err := c.Flags().GetBool(f.name); err == nil && on {
			env = append(env, f.variable+"=true")
		}
	}
	slices.Sort(env)
	return append(env, config.EnvName("cluster::address")+"="+strings.Join(executors, ","))
}
