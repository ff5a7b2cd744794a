package dstream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Job is what a build function fills: sources, streams, outputs. build does no I/O and reads nothing but its parameters, since
// driver and workers each call it and must get the same graph.
type Job struct {
	Name     string        // default: the name of the job's file
	Interval time.Duration // of the batches; the configuration wins; default 1 s

	nodes    []*node
	inputs   []*input
	tables   []*table
	outputs  []*output
	bodies   []*body
	steps    []*stateful  // of nodes, once they have names
	moments  []*eventTime // likewise
	params   []Param
	args     map[string]string
	settings Settings

	mu     sync.Mutex // guards what follows: a running job's functions may still hold streams
	closed bool
	errs   []error
}

// Settings are what the surroundings give a job: the endpoints that its names stand for and the values of its parameters.
type Settings struct {
	Sources, Sinks, Tables map[string]string // name → URL
	Args                   map[string]string // parameter → value
	Default                string            // URL of a name that is not configured; empty: it is a mistake. For tests
}

func (s Settings) url(section map[string]string, name string) string {
	if u, ok := section[name]; ok {
		return u
	}
	return s.Default
}

// Param is a parameter of a job, for usage messages.
type Param struct{ Name, Value, Usage, At string }

// NewJob returns an empty job.
func NewJob(s Settings) *Job { return &Job{settings: s, args: s.Args} }

// fail notes a mistake in the graph. All of them are reported together.
func (j *Job) fail(at, kind string, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.errs = append(j.errs, &rdd.BuildError{At: at, Kind: kind, Err: err})
}

// open tells whether the graph may still grow. Growth of a running job's is a mistake that its next batch reports.
func (j *Job) open(at, kind string) bool {
	j.mu.Lock()
	closed := j.closed
	j.mu.Unlock()
	if closed {
		j.fail(at, kind, errors.New("the job is already running: build its graph in the build function only"))
	}
	return !closed
}

// close ends the growth of the graph.
func (j *Job) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
}

// Err is all the mistakes in the graph so far.
func (j *Job) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.errs...)
}

// Params are the parameters that the job asked for.
func (j *Job) Params() []Param { return j.params }

// String returns the job's parameter of that name, or value if it was not given: `driver run job.go -- -topic clicks`.
func (j *Job) String(name, value, usage string) string {
	return param(j, name, value, usage, func(s string) (string, error) { return s, nil })
}

// Int is String for numbers.
func (j *Job) Int(name string, value int, usage string) int {
	return param(j, name, value, usage, strconv.Atoi)
}

// Bool is String for true and false.
func (j *Job) Bool(name string, value bool, usage string) bool {
	return param(j, name, value, usage, strconv.ParseBool)
}

// Duration is String for durations: 10s, 500ms.
func (j *Job) Duration(name string, value time.Duration, usage string) time.Duration {
	return param(j, name, value, usage, time.ParseDuration)
}

func param[T any](j *Job, name string, value T, usage string, parse func(string) (T, error)) T {
	at := rdd.CallSite()
	if !j.open(at, "parameter -"+name) {
		return value
	}
	for _, p := range j.params {
		if p.Name == name {
			j.fail(at, "parameter -"+name, fmt.Errorf("it is declared at %s already: declare it once and pass its value on", p.At))
		}
	}
	j.params = append(j.params, Param{name, fmt.Sprint(value), usage, at})
	text, ok := j.args[name]
	if !ok {
		return value
	}
	v, err := parse(text)
	if err != nil {
		j.fail(at, "parameter -"+name, fmt.Errorf("%q is not a %T, as its default %v is", text, value, value))
		return value
	}
	return v
}

// unknownArgs reports arguments that no parameter took.
func (j *Job) unknownArgs() {
	known := map[string]bool{}
	var names []string
	for _, p := range j.params {
		known[p.Name] = true
		names = append(names, "-"+p.Name)
	}
	for _, name := range sortedKeys(j.args) {
		if known[name] {
			continue
		}
		if len(names) == 0 {
			j.fail("arguments", "-"+name, errors.New("the job has no parameters"))
			continue
		}
		j.fail("arguments", "-"+name, fmt.Errorf("the job has no such parameter; it has %s", strings.Join(names, ", ")))
	}
}
