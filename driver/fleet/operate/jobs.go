package operate

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/fleet"
	"github.com/tidemill/tidemill/executor/node"
)

// Job is what all executors together know of a job.
type Job struct {
	Job       string    `json:"job"`
	State     string    `json:"state"`               // running, or starting, restarting, waiting (for a driver), standby, failed
	Why       string    `json:"why,omitempty"`       // of failed, and the latest end of a worker
	Driver    string    `json:"driver,omitempty"`    // who attends it: host and process
	Host      string    `json:"host,omitempty"`      // the executor that the driver was submitted to
	Standbys  []string  `json:"standbys,omitempty"`  // executors with a driver that waits
	Epoch     int64     `json:"epoch"`               // of the driver
	Batch     *int64    `json:"batch,omitempty"`     // the last committed one, if the host knows
	Executors []string  `json:"executors,omitempty"` // with a worker of it
	Restarts  int       `json:"restarts"`            // of workers and of a submitted driver
	Since     time.Time `json:"since,omitzero"`
}

// View is a look at a cluster.
type View struct {
	Jobs   []Job    // by name
	Silent []string // executors that did not answer, each with the reason
}

// Look asks all executors for their jobs.
func (c *Cluster) Look(ctx context.Context) View {
	lists := make([][]node.JobStatus, len(c.executors))
	errs := c.each(ctx, func(ctx context.Context, i int) (err error) {
		lists[i], err = c.executors[i].Jobs(ctx)
		return err
	})
	jobs := map[string]*Job{}
	var v View
	for i, e := range c.executors {
		if errs[i] != nil {
			v.Silent = append(v.Silent, fmt.Sprintf("executor %s (%s) does not answer: %v", e.name, e.address, fleet.ReasonOf(errs[i])))
			continue
		}
		for _, s := range lists[i] {
			if jobs[s.Job] == nil {
				jobs[s.Job] = &Job{Job: s.Job}
			}
			jobs[s.Job].add(e.name, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(jobs)) {
		jobs[name].conclude()
		v.Jobs = append(v.Jobs, *jobs[name])
	}
	return v
}

// add takes in what one executor knows.
func (j *Job) add(executor string, s node.JobStatus) {
	if s.Driver != "" && (s.Epoch >= j.Epoch || j.Driver == "") {
		j.Driver = s.Driver
	}
	j.Epoch = max(j.Epoch, s.Epoch)
	j.Restarts += s.Restarts + s.Hosted.Restarts
	j.Why = cmp.Or(s.Why, j.Why)
	if s.Worker.Job != "" {
		j.Executors = append(j.Executors, executor)
	}
	if !s.Since.IsZero() && (j.Since.IsZero() || s.Since.Before(j.Since)) {
		j.Since = s.Since
	}
	switch h := s.Hosted; {
	case h.State == "":
	case h.Standby:
		j.Standbys = append(j.Standbys, executor)
	default:
		j.Host, j.State = executor, h.State
		if h.Batch >= 0 {
			j.Batch = &h.Batch
		}
	}
}

// conclude finds the state. A driver that attends the job says more than one that was submitted.
func (j *Job) conclude() {
	switch {
	case j.Driver != "":
		j.State = "running"
	case j.Host != "":
		if j.State == "running" {
			j.State = "starting" // it has not come to its executors yet
		}
	case len(j.Standbys) > 0:
		j.State = "standby"
	case len(j.Executors) > 0:
		j.State = "waiting"
	default:
		j.State = "failed"
	}
}

// over tells that nothing of the job runs anywhere.
func (j *Job) over() bool {
	return j.Driver == "" && j.Host == "" && len(j.Standbys)+len(j.Executors) == 0
}

// where says where the driver is.
func (j *Job) where() string {
	switch {
	case j.Host == "":
		return cmp.Or(j.Driver, "none")
	case j.Driver == "":
		return "on " + j.Host
	}
	return j.Driver + " on " + j.Host
}

// named finds a job, or says which there are.
func (v View) named(job string) (*Job, error) {
	var names []string
	for i := range v.Jobs {
		if v.Jobs[i].Job == job {
			return &v.Jobs[i], nil
		}
		names = append(names, v.Jobs[i].Job)
	}
	text := "no job " + strconv.Quote(job) + " runs in the cluster"
	if near := config.Nearest(job, names); near != "" {
		text += "; did you mean " + near + "?"
	}
	if len(names) > 0 {
		text += "; jobs: " + strings.Join(names, ", ")
	} else {
		text += ", nor any other"
	}
	if len(v.Silent) > 0 {
		text += "; " + strings.Join(v.Silent, "; ")
	}
	return nil, fmt.Errorf("%s", text)
}

// Write prints the jobs as a table. now is the time that ages are counted to.
func (v View) Write(w io.Writer, now time.Time) error {
	if len(v.Jobs) == 0 {
		_, err := fmt.Fprintln(w, "no jobs")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tSTATE\tDRIVER\tEPOCH\tBATCH\tEXECUTORS\tRESTARTS\tSINCE")
	for i := range v.Jobs {
		j := &v.Jobs[i]
		batch, since, where := "", "", j.where()
		if j.Batch != nil {
			batch = strconv.FormatInt(*j.Batch, 10)
		}
		if !j.Since.IsZero() {
			since = age(now.Sub(j.Since))
		}
		if len(j.Standbys) > 0 {
			where += " (standby on " + strings.Join(j.Standbys, ", ") + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%s\n", j.Job, j.State, where, j.Epoch, cmp.Or(batch, "-"), len(j.Executors), j.Restarts, cmp.Or(since, "-"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for i := range v.Jobs {
		if j := &v.Jobs[i]; j.State == "failed" && j.Why != "" {
			fmt.Fprintf(w, "%s failed: %s\n", j.Job, strings.TrimSpace(j.Why))
		}
	}
	return nil
}

// age writes how long something lasts, in its two largest units.
func age(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return d.Truncate(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%dm%ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", int(d.Hours())/24, int(d.Hours())%24)
}
