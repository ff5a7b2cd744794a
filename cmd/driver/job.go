package main

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tidemill/tidemill/driver/build"
	"github.com/tidemill/tidemill/driver/config"
)

// settingFlags are the settings that also have a flag, and what the flag's help says.
var settingFlags = map[string]string{
	"checkpoint": "`directory` of the batch log and the state",
	"ui":         "`address` of the status page, or off",
	"interval":   "how often a batch starts: a `duration`",
}

// job is a job as named on the command line: what `run` and `explain` have in common.
type job struct {
	start    config.Start
	settings map[string]string
	binary   *build.Binary
	args     []string // of the job
}

// jobFlags adds the flags that say how a job is set.
func jobFlags(c *cobra.Command) {
	c.Flags().String("config", "", "configuration `file` (default tidemill.yaml here, else beside the job)")
	for name, usage := range settingFlags {
		c.Flags().String(name, "", usage)
	}
}

// prepare checks the settings, then builds: a mistake in a setting must not cost a build.
func prepare(c *cobra.Command, args []string) (*job, error) {
	j := &job{settings: map[string]string{}}
	target := args
	if i := c.ArgsLenAtDash(); i >= 0 {
		target, j.args = args[:i], args[i:]
	}
	if err := j.configure(c, target); err != nil {
		return nil, err
	}
	ctx, release := interruptible()
	defer release()
	var err error
	j.binary, err = build.Job(ctx, target, build.Options{
		Progress: os.Stderr, Terminal: term.IsTerminal(int(os.Stderr.Fd())),
	})
	if ctx.Err() != nil {
		return nil, exitStatus(130) // as shells count an interrupt
	}
	if err != nil {
		return nil, err
	}
	j.start.JobFile = j.binary.Name
	return j, nil
}

func (j *job) configure(c *cobra.Command, target []string) (err error) {
	for name := range settingFlags {
		if c.Flags().Changed(name) {
			j.settings[name] = c.Flag(name).Value.String()
		}
	}
	maps.Copy(j.settings, clusterGiven(c))
	if j.settings["ui"] == "" && c.Flags().Changed("ui") {
		j.settings["ui"] = "off" // an empty variable would count as not set
	}
	// What a user set as a variable for the job itself counts here too.
	if j.start, err = config.StartFrom(os.Environ()); err != nil {
		return err
	}
	j.start.Mode = ""
	if c.Flags().Changed("config") {
		j.start.File = c.Flag("config").Value.String()
	}
	if j.start.File == "" {
		j.start.File, err = config.Find(folderOf(target))
	}
	if err != nil {
		return err
	}
	_, err = config.Load(config.Options{File: j.start.File, Environ: os.Environ(), Flags: j.settings})
	return err
}

// folderOf is the folder that the job lies in; build reports a job that is not there.
func folderOf(target []string) string {
	if len(target) == 0 {
		return "."
	}
	if st, err := os.Stat(target[0]); err == nil && st.IsDir() {
		return target[0]
	}
	return filepath.Dir(target[0])
}

// command starts the job's binary as s says, with this process's standard files. A keyboard is not passed on: the job
// runs in the background of the terminal, where reading would stop it.
func (j *job) command(s config.Start) *exec.Cmd {
	cmd := exec.Command(j.binary.Path, j.args...)
	cmd.Env = append(config.WithoutStart(os.Environ()), s.Environ()...)
	for name, value := range j.settings {
		cmd.Env = append(cmd.Env, config.EnvName(name)+"="+value)
	}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		cmd.Stdin = os.Stdin
	}
	return cmd
}

// statusOf turns the end of a command into this program's.
func statusOf(status int, err error) error {
	if err != nil {
		return err
	}
	if status != 0 {
		return exitStatus(status)
	}
	return nil
}

var errNoJob = errors.New("no job named: write a .go file, several of one folder, or a folder")

// jobArgs asks for a job before the --.
func jobArgs(c *cobra.Command, args []string) error {
	if len(args) == 0 || c.ArgsLenAtDash() == 0 {
		return errNoJob
	}
	return nil
}
