package driver

import (
	"fmt"
	"strings"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/rdd"
)

// explain tells what a batch of a job does: what is fused into which stage, where rows move and by what, and which steps keep state
// under which name.
func explain(g *dstream.Graph, parts, groups int) (string, error) {
	plan := &dstream.Plan{Parts: parts, Groups: groups, Sources: map[string]dstream.SourcePlan{}}
	for _, s := range g.Sources() {
		plan.Sources[s.Name] = dstream.SourcePlan{Parts: make([][]dstream.Split, parts)}
	}
	b, err := g.Batch(plan)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "job %s: %d stages a batch, %d partitions behind exchanges, %d key groups\n", g.Name, len(b.Program.Stages), parts, groups)
	for _, s := range b.Program.Stages {
		explainStage(&out, b, s)
	}
	return out.String(), nil
}

func explainStage(out *strings.Builder, b *dstream.Batch, s *rdd.Stage) {
	reads := "sources"
	if len(s.Parents) > 0 {
		var of []string
		for _, p := range s.Parents {
			of = append(of, fmt.Sprintf("stage %d", p))
		}
		reads = strings.Join(of, ", ")
	}
	fmt.Fprintf(out, "\nstage %d: %d tasks, reads %s\n", s.ID, s.Parts, reads)
	for i := len(s.Nodes) - 1; i >= 0; i-- {
		explainNode(out, s.Nodes[i])
	}
	if s.Exchange != nil {
		fmt.Fprintf(out, "    ⇉ exchange by %s into %d\n", s.Exchange.By, s.Exchange.Buckets)
	}
	for i := range b.Outputs() {
		if b.Program.Outputs[i] == s.ID && s.Exchange == nil {
			fmt.Fprintf(out, "    → sink %s\n", b.OutputName(i))
		}
	}
	if s.Exchange == nil && !isOutput(b, s) {
		fmt.Fprintf(out, "    ▣ kept, since more than one step reads it\n")
	}
}

func isOutput(b *dstream.Batch, s *rdd.Stage) bool {
	for _, o := range b.Program.Outputs {
		if o == s.ID {
			return true
		}
	}
	return false
}

func explainNode(out *strings.Builder, n *rdd.Node) {
	kind := n.Kind
	if n.Name != "" {
		kind += " " + n.Name
	}
	fmt.Fprintf(out, "    %-28s %-16s %s", kind, n.At, n.Shape)
	if step, ok := n.State.(string); ok {
		fmt.Fprintf(out, "   state %q", step)
	}
	out.WriteByte('\n')
}

// started is what is told when a job is about to run.
func (d *driver) started() Started {
	text, err := explain(d.g, d.last.Parts, d.last.Groups)
	if err != nil {
		text = err.Error()
	}
	s := Started{
		Name: d.name, Interval: d.interval, Epoch: d.epoch(), Checkpoint: d.st.String(), Resumed: d.resumed, Open: len(d.open) > 0,
		Guarantees: map[string]string{}, Explain: text,
	}
	for i, name := range d.g.Sinks() {
		s.Guarantees[name] = d.g.Guarantee(i).String()
	}
	return s
}
