package build

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// CompileError is what is wrong with the job's code.
type CompileError struct {
	// Lines are as the compiler wrote them, paths as the user typed them. A line that begins with a tab belongs to the
	// one before.
	Lines []string
}

// Error is all lines.
func (e *CompileError) Error() string { return strings.Join(e.Lines, "\n") }

// EngineError says that the engine, not the job, does not compile.
type EngineError struct {
	// Lines are as the compiler wrote them, paths relative to the engine's folder.
	Lines []string
}

// Error says what to do, then all lines.
func (e *EngineError) Error() string {
	return "the engine does not compile, which is not the job's fault; check TIDEMILL_ENGINE, or install the engine anew:\n" +
		strings.Join(e.Lines, "\n")
}

var (
	position   = regexp.MustCompile(`^(.+?\.go)(:\d+(?::\d+)?): (.*)$`)
	trimmed    = regexp.MustCompile(`^` + regexp.QuoteMeta(Module) + `(?:@[^/]+)?/(.*)$`) // a path under -trimpath
	declaredAt = regexp.MustCompile(`\s*\(declared at [^()]*\)`)
	listedIn   = regexp.MustCompile(`^go: cannot load module \S+ listed in go\.work file: `)
	notInStd   = regexp.MustCompile(`^package (\S+) is not in std.*`)
	// The go command's words for a package that no module has; in a workspace and out of one they differ.
	noModule = regexp.MustCompile(`^(?:no required module provides package|cannot find module providing package) ([^\s;:]+)`)
	engineIn = regexp.MustCompile(`^module ` + regexp.QuoteMeta(Module) + `\S* .*does not contain package (\S+)`)
)

// explain turns what the go command printed into an error for the user.
func (p *workshop) explain(text string, failed error) error {
	r := reduction{workshop: p}
	for line := range strings.Lines(text) {
		r.line(strings.TrimRight(line, "\r\n"))
	}
	switch {
	case len(r.job) > 0:
		return &CompileError{p.hint(append(r.job, r.other...))}
	case len(r.engine) > 0:
		return &EngineError{r.engine}
	case len(r.other) > 0:
		return fmt.Errorf("build %s: %s", p.target.typedName(), strings.Join(advise(r.other), "\n"))
	}
	return fmt.Errorf("build %s: go build: %w", p.target.typedName(), failed)
}

// advise adds what to do about what the go command says of itself.
func advise(lines []string) []string {
	text := strings.Join(lines, "\n")
	switch {
	case strings.Contains(text, "invalid go version") || strings.Contains(text, "unknown directive: toolchain"):
		return append(lines, "the go command in PATH is older than Go 1.21, which first could fetch the toolchain it needs; install a newer one")
	case strings.Contains(text, "toolchain not available") || strings.Contains(text, "go: download go1"):
		return append(lines, "jobs are built with the toolchain that driver was built with; let go fetch it once over the network")
	}
	return lines
}

// reduction sorts lines by whose code they are about.
type reduction struct {
	*workshop
	job, engine, other []string
	last               *[]string // where continuation lines go; nil drops them
}

func (r *reduction) line(line string) {
	m := position.FindStringSubmatch(line)
	switch {
	case strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "go: downloading ") || line == "":
	case strings.HasPrefix(line, "\t"):
		if line, ok := r.continuation(line); ok && r.last != nil {
			*r.last = append(*r.last, line)
		}
	case m == nil:
		r.last = &r.other
		r.other = append(r.other, r.clean(line))
	default:
		r.located(r.absolute(m[1]), m[2], m[3])
	}
}

func (r *reduction) located(path, at, message string) {
	if rel, ok := r.inEngine(path); ok {
		r.last = &r.engine
		r.engine = append(r.engine, rel+at+": "+r.clean(message))
		return
	}
	message, complete := r.message(message)
	if r.last = &r.job; complete {
		r.last = nil
	}
	r.job = append(r.job, r.target.display(path)+at+": "+message)
}

// absolute is the real file that the go command means by path: it prints paths relative to its folder, or of the overlay.
func (p *workshop) absolute(path string) string {
	if !filepath.IsAbs(path) && !strings.HasPrefix(path, Module) {
		path = filepath.Join(p.dir, path)
	}
	if real, ok := p.overlay[path]; ok {
		return real
	}
	return path
}

// inEngine gives the path relative to the engine's folder, for one inside it. A job in the engine's own module (an
// example) is the job's.
func (p *workshop) inEngine(path string) (string, bool) {
	if m := trimmed.FindStringSubmatch(path); m != nil {
		return m[1], true
	}
	if _, mine := p.target.typed[path]; mine || p.engine == "" {
		return "", false
	}
	return strings.CutPrefix(path, p.engine+string(filepath.Separator))
}

// message says it without paths of the engine. complete means that the lines below add nothing.
func (p *workshop) message(s string) (_ string, complete bool) {
	if m := notInStd.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("package %s is not in the standard library; check the import", m[1]), true
	}
	m := noModule.FindStringSubmatch(s)
	if in := engineIn.FindStringSubmatch(s); in != nil {
		m = in
	}
	switch {
	case m == nil:
		return p.clean(s), false
	case strings.HasPrefix(m[1], Module):
		return fmt.Sprintf("the engine has no package %s; check the import", m[1]), true
	case p.mine:
		return fmt.Sprintf("no module of yours requires package %s; run: go get %s", m[1], m[1]), true
	}
	return fmt.Sprintf("package %s is not part of the engine; a job with dependencies of its own needs a module: in its folder, run: go mod init job && go get %s", m[1], m[1]), true
}

// continuation gives a line that explains the one before, unless it is about a place in the engine.
func (p *workshop) continuation(line string) (string, bool) {
	if m := position.FindStringSubmatch(strings.TrimLeft(line, "\t")); m != nil {
		path := p.absolute(m[1])
		if _, ok := p.inEngine(path); ok {
			return "", false
		}
		return "\t" + p.target.display(path) + m[2] + ": " + p.clean(m[3]), true
	}
	return p.clean(line), true
}

// clean takes the paths out that mean nothing to the user.
func (p *workshop) clean(s string) string {
	s = listedIn.ReplaceAllString(s, "")
	s = declaredAt.ReplaceAllString(s, "")
	s = strings.ReplaceAll(s, p.scrap+string(filepath.Separator), "")
	if p.engine != "" {
		s = strings.ReplaceAll(s, p.engine+string(filepath.Separator), Module+"/")
	}
	return s
}

// hint adds what to do if names are missing that may be in files that were not named.
func (p *workshop) hint(lines []string) []string {
	missing := slices.ContainsFunc(lines, func(s string) bool { return strings.Contains(s, ": undefined: ") })
	siblings, _ := filepath.Glob(filepath.Join(p.target.dir, "*.go"))
	if !missing || p.target.whole || len(siblings) <= len(p.target.files) {
		return lines
	}
	dir := p.target.display(p.target.dir)
	if !filepath.IsAbs(dir) && dir != "." {
		dir = "./" + dir
	}
	return append(lines, "other .go files of the folder are not part of this job; driver run "+dir+" takes all of them")
}

// display is the path as the user typed it, else relative to the working directory.
func (t *target) display(path string) string {
	if typed, ok := t.typed[path]; ok {
		return typed
	}
	if rel, err := filepath.Rel(t.cwd, path); err == nil {
		return rel
	}
	return path
}
