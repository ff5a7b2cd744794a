package schedule

import (
	"fmt"
	"strings"
)

// describe is a command as one line of a trace.
func describe(c Command) string {
	switch c := c.(type) {
	case Plan:
		return fmt.Sprintf("Plan %d (%d,%d]", c.Batch, c.From, c.To)
	case Launch:
		return fmt.Sprintf("Launch %s %s", c.Worker, taskList(c.Tasks))
	case Cancel:
		return fmt.Sprintf("Cancel %s %s", c.Worker, taskList(c.Tasks))
	case Grant:
		return fmt.Sprintf("Grant %d round %d %s %s", c.Batch, c.Round, c.Worker, taskList(c.Tasks))
	case ProgramDone:
		return fmt.Sprintf("ProgramDone %d/%d", c.Batch, c.Program)
	case ProgramFailed:
		return fmt.Sprintf("ProgramFailed %d/%d: %v", c.Batch, c.Program, c.Err)
	case LogAbort:
		return fmt.Sprintf("LogAbort %d: %s", c.Batch, c.Reason)
	case Halt:
		if c.Err == nil {
			return "Halt clean"
		}
		return fmt.Sprintf("Halt %v: %v", c.Class, c.Err)
	case SetAside:
		return fmt.Sprintf("SetAside %s until %s: %s", c.Worker, c.Until.UTC().Format("15:04:05.000"), c.Why)
	case WakeAt:
		return "WakeAt " + c.Time.UTC().Format("15:04:05.000")
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", c), "schedule.")
	return name + strings.NewReplacer("{", " ", "}", "").Replace(fmt.Sprint(c))
}

func taskList(tasks []TaskID) string {
	var out []string
	for _, t := range tasks {
		out = append(out, t.String())
	}
	return strings.Join(out, " ")
}
