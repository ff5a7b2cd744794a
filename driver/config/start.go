package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Mode is what a job's binary is started for.
type Mode string

// The modes.
const (
	ModeRun     Mode = "run"     // run the job; also when nothing is said
	ModeExplain Mode = "explain" // print the plan and leave
	ModeDoctor  Mode = "doctor"  // look at the surroundings, say what is wrong, and leave
	ModeName    Mode = "name"    // print the job's name and leave
	ModeWorker  Mode = "worker"  // do the work of a job whose driver runs elsewhere; set by an executor
)

// The variables of [Start]. They are reserved: no setting has such a name.
const (
	envConfig   = envPrefix + "CONFIG"
	envMode     = envPrefix + "MODE"
	envJobFile  = envPrefix + "JOB_FILE"
	envFresh    = envPrefix + "FRESH"
	envReplan   = envPrefix + "REPLAN"
	envTakeover = envPrefix + "TAKEOVER"
	envAccept   = envPrefix + "ACCEPT_LOSS"
	envStandby  = envPrefix + "STANDBY"
	envHosted   = envPrefix + "HOSTED" // read by executor/node
	envTell     = envPrefix + "TELL"
	envEngine   = envPrefix + "ENGINE" // read by driver/build
)

var startNames = []string{envConfig, envMode, envJobFile, envFresh, envReplan, envTakeover, envAccept, envStandby, envHosted, envTell, envEngine}

// Start is what `driver run` and `driver explain` tell a job's binary beside its settings. It travels in TIDEMILL_*
// variables, since the arguments belong to the job.
type Start struct {
	// File is the configuration file, "" for none.
	File string
	// Mode is what to do. "" means ModeRun.
	Mode Mode
	// JobFile names the job unless its code or a setting does. It is not passed as TIDEMILL_JOB, which would win over
	// both.
	JobFile string
	// Fresh starts over, Replan gives up a plan made by another binary, Takeover takes a checkpoint from its holder.
	// AcceptLoss goes on without input that was lost before any batch has read it.
	// Each is meant for one start: a supervisor leaves them out once the job has told its checkpoint.
	Fresh, Replan, Takeover, AcceptLoss bool
	// Standby waits until the driver that has the checkpoint is gone, and goes on in its place.
	Standby bool
	// Tell is a file into which the job writes the directory of its checkpoint; see [Start.TellCheckpoint]. "" for none.
	Tell string
}

// Environ is s as variables, for the environment of the job's binary.
func (s Start) Environ() []string {
	var env []string
	add := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	flag := func(name string, on bool) {
		if on {
			add(name, "true")
		}
	}
	add(envConfig, s.File)
	add(envMode, string(s.Mode))
	add(envJobFile, s.JobFile)
	add(envTell, s.Tell)
	flag(envFresh, s.Fresh)
	flag(envReplan, s.Replan)
	flag(envTakeover, s.Takeover)
	flag(envAccept, s.AcceptLoss)
	flag(envStandby, s.Standby)
	return env
}

// WithoutStart is the environment without the variables of a Start: what a child may inherit beside a Start of its own.
func WithoutStart(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name != envEngine && slices.Contains(startNames, name)
	})
}

// StartFrom reads what Environ wrote, or what a user set who starts the binary himself. Without TIDEMILL_CONFIG it looks
// for tidemill.yaml in the working directory; without TIDEMILL_JOB_FILE the job is called after the binary. An error
// names the variable.
func StartFrom(environ []string) (Start, error) {
	vars := map[string]string{}
	for _, e := range environ {
		name, value, _ := strings.Cut(e, "=")
		vars[name] = value
	}
	s := Start{File: vars[envConfig], Mode: Mode(vars[envMode]), JobFile: vars[envJobFile], Tell: vars[envTell]}
	if s.Mode == "" {
		s.Mode = ModeRun
	}
	if s.Mode != ModeRun && s.Mode != ModeExplain && s.Mode != ModeDoctor && s.Mode != ModeName && s.Mode != ModeWorker {
		return s, fmt.Errorf("%s: %q is none of run, explain and doctor", envMode, s.Mode)
	}
	if s.JobFile == "" {
		s.JobFile = strings.TrimSuffix(filepath.Base(os.Args[0]), filepath.Ext(os.Args[0]))
	}
	for name, to := range map[string]*bool{envFresh: &s.Fresh, envReplan: &s.Replan, envTakeover: &s.Takeover, envAccept: &s.AcceptLoss, envStandby: &s.Standby} {
		if err := parseFlag(name, vars[name], to); err != nil {
			return s, err
		}
	}
	var err error
	if s.File == "" {
		s.File, err = Find(".")
	}
	return s, err
}

func parseFlag(name, value string, to *bool) (err error) {
	if value == "" {
		return nil
	}
	if *to, err = strconv.ParseBool(value); err != nil {
		return fmt.Errorf("%s: %q is none of true and false", name, value)
	}
	return nil
}

// TellCheckpoint lets whoever supervises the job know where its checkpoint is. Call it when the checkpoint is open and
// what Fresh, Replan and Takeover ask for is done, since a job that crashes later is started again without them.
// Without a supervisor it does nothing.
func (s Start) TellCheckpoint(dir string) error {
	if s.Tell == "" {
		return nil
	}
	if err := os.WriteFile(s.Tell, []byte(dir), 0o600); err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	return nil
}
