package dstream

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/rdd"
)

// Graph is a complete job: what build made, checked and named. Driver and worker each have one of their own.
type Graph struct {
	Name     string
	Interval time.Duration

	job     *Job
	dynamic bool // some datasets are made anew each batch
	last    *Batch
}

// Build runs a build function and checks what it made. The error is all of the job's mistakes together.
func Build(build func(*Job), name string, s Settings) (g *Graph, err error) {
	j := NewJob(s)
	j.Name = name
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: the build function panicked: %v (a Stream, Keyed or Table that no step made has no job)", userSite(), p)
		}
	}()
	build(j)
	j.close()
	j.unknownArgs()
	j.nameSteps()
	if len(j.outputs)+len(j.bodies) == 0 {
		j.fail("build", "job", errors.New("it has no output: end a stream with WriteTo, Write, Print or ForEach, or nothing would ever run"))
	}
	if j.Interval < 0 {
		j.fail("build", "job", fmt.Errorf("its Interval %v is negative", j.Interval))
	}
	if err := j.Err(); err != nil {
		return nil, err
	}
	g = &Graph{Name: j.Name, Interval: j.Interval, job: j}
	for _, n := range j.nodes {
		g.dynamic = g.dynamic || n.dynamic
	}
	return g, nil
}

// userSite is rdd.CallSite for a deferred function: it passes over the runtime's own frames too.
func userSite() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") && !strings.Contains(f.Function, "tidemill/dstream.") {
			return filepath.Base(f.File) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "?"
		}
	}
}

// Params are the parameters that the job has.
func (g *Graph) Params() []Param { return g.job.params }

// Fingerprint is what decides whether a checkpoint fits the job: the steps with state and what their state looks like.
func (g *Graph) Fingerprint() map[string]string {
	out := map[string]string{}
	for _, n := range g.job.nodes {
		if n.state != nil && n.state.fresh != nil {
			out[n.state.name] = n.state.shape
		}
	}
	return out
}

// Digest covers the whole graph, for the check that two calls of build made the same.
func (g *Graph) Digest() string {
	var b strings.Builder
	for _, n := range g.job.nodes {
		fmt.Fprintf(&b, "%d %s %s %s", n.id, n.kind, n.at, n.name)
		for _, p := range n.parents {
			fmt.Fprintf(&b, " %d", p.id)
		}
		b.WriteByte('\n')
	}
	for _, o := range g.job.outputs {
		fmt.Fprintf(&b, "%s %s %d\n", o.kind, o.name, o.n.id)
	}
	for _, f := range g.job.bodies {
		fmt.Fprintf(&b, "ForEach %s %d\n", f.name, f.n.id)
	}
	for _, s := range g.job.steps {
		fmt.Fprintf(&b, "%s %s\n", s.name, s.shape)
	}
	for _, t := range g.job.tables {
		fmt.Fprintf(&b, "table %s\n", t.name)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:8])
}

// Describe lists the nodes of the graph, for the message about two graphs that differ.
func (g *Graph) Describe() []string {
	var out []string
	for _, n := range g.job.nodes {
		out = append(out, fmt.Sprintf("%s %s %s", n.at, n.kind, n.name))
	}
	return out
}

// Batch is a batch's program: its datasets cut into stages.
type Batch struct {
	Program *rdd.Program
	g       *Graph
	plan    *Plan
	shape   string // of the plan, as far as it decides the datasets
}

// Batch makes the program of a batch. It is made once for all batches of the same shape, unless the job has a Transform.
func (g *Graph) Batch(p *Plan) (b *Batch, err error) {
	if err := g.job.Err(); err != nil {
		return nil, err // it grew after it was built
	}
	shape := g.shape(p)
	if !g.dynamic && g.last != nil && g.last.shape == shape {
		return &Batch{g.last.Program, g, p, shape}, nil
	}
	b = &Batch{g: g, plan: p, shape: shape}
	c := &cut{plan: p, by: rdd.NewPartitioner(p.Groups, p.Parts), made: map[*node]*rdd.Node{}}
	var outputs []*rdd.Node
	for _, o := range g.job.outputs {
		outputs = append(outputs, o.of(c))
	}
	for _, f := range g.job.bodies {
		outputs = append(outputs, c.of(f.n))
	}
	if err := errors.Join(c.errs...); err != nil {
		return nil, err
	}
	if b.Program, err = rdd.Compile(outputs...); err != nil {
		return nil, err
	}
	b.fuse(c)
	g.last = b
	return b, nil
}

// fuse finds the EventTime steps whose tasks read the sources themselves.
func (b *Batch) fuse(c *cut) {
	for _, n := range b.g.job.nodes {
		if n.moment == nil {
			continue
		}
		n.moment.fused = slices.ContainsFunc(b.Program.Stages, func(s *rdd.Stage) bool {
			return slices.Contains(s.Nodes, c.made[n]) && b.Reads(s.ID)
		})
	}
}

// shape is what of a plan decides the datasets.
func (g *Graph) shape(p *Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d", p.Parts, p.Groups)
	for _, in := range g.job.inputs {
		fmt.Fprintf(&b, " %d", len(p.Sources[in.name].Parts))
	}
	return b.String()
}

// Outputs is the number of the job's sinks. The rows of sink i stand in the blocks of stage Program.Outputs[i].
func (b *Batch) Outputs() int { return len(b.g.job.outputs) }

// OutputName is the name of sink i.
func (b *Batch) OutputName(i int) string { return b.g.job.outputs[i].name }

// Shape is the row type of the blocks of sink i.
func (b *Batch) Shape(i int) *rdd.Shape { return b.Program.Stages[b.Program.Outputs[i]].Node.Shape }

// Steps lists the steps whose state the tasks of a stage hold.
func (b *Batch) Steps(stage int) []string {
	var out []string
	for _, n := range b.Program.Stages[stage].Nodes {
		if name, ok := n.State.(string); ok {
			out = append(out, name)
		}
	}
	return out
}

// Reads tells whether the tasks of a stage read a source.
func (b *Batch) Reads(stage int) bool {
	return slices.ContainsFunc(b.Program.Stages[stage].Nodes, func(n *rdd.Node) bool { return n.Kind == sourceKind })
}
