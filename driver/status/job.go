package status

import "time"

// Job is what does not change while a job runs. The zero value shows as an unnamed job. Secrets in it must have been
// redacted by the caller: everything here is shown to whoever can open the page.
type Job struct {
	Name       string        `json:"name"`
	Interval   time.Duration `json:"interval"` // between batches; ns in JSON
	Started    time.Time     `json:"started"`  // of this process, not of the checkpoint
	Epoch      int64         `json:"epoch"`
	Checkpoint string        `json:"checkpoint"` // where its log and state are
	Sinks      []JobSink     `json:"sinks"`
	Explain    string        `json:"explain"` // the plan, as `driver explain` prints it
}

// JobSink is a sink and what it promises after a crash: "exactly once" or "at least once".
type JobSink struct {
	Name      string `json:"name"`
	Guarantee string `json:"guarantee"`
}
