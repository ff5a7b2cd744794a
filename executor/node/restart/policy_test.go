package restart

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestPolicy feeds exits, written "crash", "crash@<batch>", "crash/<duration>" or "exit", and reads the decisions:
// the delay before a restart, or "stop".
func TestPolicy(t *testing.T) {
	for _, c := range []struct{ name, exits, want string }{
		{"an answer", "exit", "stop"},
		{"three in one batch", "crash@5 crash@5 crash@5", "250ms 500ms stop"},
		{"batch 0 is a batch", "crash@0 crash@0 crash@0", "250ms 500ms stop"},
		{"three before the first", "crash crash crash", "250ms 500ms stop"},
		{"a commit between", "crash@5 crash@5 crash@6 crash@6 crash@6", "250ms 500ms 250ms 500ms stop"},
		{"the first commit", "crash crash crash@0 crash@0 crash@0", "250ms 500ms 250ms 500ms stop"},
		{"started over", "crash@5 crash@5 crash@1 crash@1", "250ms 500ms 250ms 500ms"},
		{"long runs", "crash crash crash/1m crash crash", "250ms 500ms 250ms 500ms stop"},
		{"an answer after a crash", "crash@5 exit", "250ms stop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p Policy
			var got []string
			for f := range strings.FieldsSeq(c.exits) {
				e := Exit{Crash: strings.HasPrefix(f, "crash"), Text: "exit status 2"}
				if n, _ := fmt.Sscanf(f, "crash@%d", &e.Batch); n == 1 {
					e.Known = true
				}
				if _, ran, ok := strings.Cut(f, "/"); ok {
					e.Ran, _ = time.ParseDuration(ran)
				}
				d := p.Next(e)
				if d.Restart {
					got = append(got, d.After.String())
				} else {
					got = append(got, "stop")
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s: %s, want %s", c.exits, s, c.want)
			}
		})
	}
}

func TestPolicyWords(t *testing.T) {
	var p Policy
	e := Exit{Crash: true, Text: "signal: killed", Batch: 41, Known: true}
	want := "the job crashed in the batch after 41 (signal: killed); starting it again in 250ms"
	if got := p.Next(e).Message; got != want {
		t.Error(got)
	}
	p.Next(e)
	want = "the job crashed 3 times in the batch after 41 (signal: killed); not starting it again"
	if got := p.Next(e).Message; got != want {
		t.Error(got)
	}
}
