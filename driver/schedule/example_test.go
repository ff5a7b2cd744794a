package schedule_test

import (
	"fmt"
	"time"

	"github.com/tidemill/tidemill/driver/schedule"
)

// A driver's loop, without anything to drive: every command is answered at once.
func Example() {
	s, err := schedule.New(schedule.Options{Interval: time.Second})
	if err != nil {
		panic(err)
	}
	events := []schedule.Event{schedule.WorkerUp{Worker: "local", Slots: 2}, schedule.Due{Tick: 1}}
	for len(events) > 0 {
		e := events[0]
		events = events[1:]
		for _, c := range s.Step(time.Time{}, e) {
			fmt.Printf("%T %v\n", c, c)
			switch c := c.(type) {
			case schedule.Plan:
				words := schedule.Stage{Parts: 2}
				counts := schedule.Stage{Parts: 1, Parents: []int{0}, Granted: true}
				events = append(events, schedule.Planned{Batch: c.Batch, Stages: []schedule.Stage{words, counts}, Last: true})
			case schedule.LogPlan:
				events = append(events, schedule.PlanLogged{Batch: c.Batch})
			case schedule.Launch:
				for _, t := range c.Tasks {
					events = append(events, schedule.TaskDone{Task: t, Worker: c.Worker})
				}
			case schedule.Grant:
				events = append(events, schedule.Published{Batch: c.Batch, Worker: c.Worker, Round: c.Round})
			case schedule.LogCommit:
				events = append(events, schedule.CommitLogged{Batch: c.Batch})
			}
		}
	}
	// Output:
	// schedule.Plan {1 0 1}
	// schedule.LogPlan {1}
	// schedule.Launch {local [1/0/0/0#1 1/0/0/1#1]}
	// schedule.Launch {local [1/0/1/0#1]}
	// schedule.Grant {1 local 1 [1/0/1/0#1]}
	// schedule.LogCommit {1}
	// schedule.Committed {1}
	// schedule.Halt {<nil> retry}
}
