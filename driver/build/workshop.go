package build

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"go/version"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// connectorsFile is added to a job that imports no connector.
const connectorsFile = "zz_tidemill_connectors.go"

const connectorsSource = "package main\n\nimport _ \"" + Module + "/connectors/all\"\n"

// plan decides where the job is built.
func plan(ctx context.Context, t *target, o Options, tool *goTool) (*workshop, error) {
	p := &workshop{target: t, tool: tool, dir: t.dir, files: map[string]string{}, overlay: map[string]string{}}
	module := findModule(t.dir)
	p.scrap = filepath.Join(o.Cache, "jobs", hash(append([]string{module}, t.files...)...))
	var err error
	switch {
	case module == "":
		err = p.outside(ctx, o)
	case isEngine(module):
		p.engine, p.env = module, tool.environ("GOWORK=off")
	default:
		err = p.inside(ctx, o, module)
	}
	if err != nil {
		return nil, err
	}
	p.arguments()
	return p, nil
}

// outside makes a module for the job in the scrap folder.
func (p *workshop) outside(ctx context.Context, o Options) (err error) {
	if p.engine, err = p.findEngine(ctx, o); err != nil {
		return err
	}
	p.dir = p.scrap
	for _, path := range p.target.files {
		p.overlay[filepath.Join(p.dir, filepath.Base(path))] = path
	}
	for _, rel := range embedded(p.target.dir, p.target.embeds) {
		p.overlay[filepath.Join(p.dir, rel)] = filepath.Join(p.target.dir, rel)
	}
	v := goVersion(p.engine)
	p.files["go.mod"] = "module job\n\ngo " + v + "\n"
	p.workspace(v, []string{p.scrap, p.engine}, "")
	return nil
}

// inside builds in the user's module, which either says itself where the engine is or is joined with it.
func (p *workshop) inside(ctx context.Context, o Options, module string) (err error) {
	p.mine = true
	work, err := p.userWork(ctx, module)
	if err != nil {
		return err
	}
	if requiresEngine(module) || slices.ContainsFunc(work.dirs, isEngine) {
		p.env = p.tool.environ()
		return nil
	}
	if p.engine, err = p.findEngine(ctx, o); err != nil {
		return err
	}
	dirs := append(slices.Clone(work.dirs), p.engine)
	if !slices.Contains(dirs, module) {
		dirs = append(dirs, module)
	}
	newest := work.goVersion
	for _, d := range dirs {
		if v := goVersion(d); newest == "" || version.Compare("go"+v, "go"+newest) > 0 {
			newest = v
		}
	}
	p.workspace(newest, dirs, work.replace)
	return nil
}

func (p *workshop) findEngine(ctx context.Context, o Options) (string, error) {
	if o.Engine != "" {
		return filepath.Abs(o.Engine)
	}
	return Engine(ctx, p.target.dir)
}

// workspace has the go command join the folders. It takes no -mod flag then.
func (p *workshop) workspace(goVersion string, dirs []string, replace string) {
	var b strings.Builder
	fmt.Fprintf(&b, "go %s\n\n", goVersion)
	for _, d := range dirs {
		fmt.Fprintf(&b, "use %q\n", d)
	}
	b.WriteString(replace)
	p.files["go.work"] = b.String()
	p.env = p.tool.environ("GOWORK="+filepath.Join(p.scrap, "go.work"), "GOFLAGS="+withoutMod(os.Getenv("GOFLAGS")))
}

// userWork is a workspace of the user's own, if the module is in one.
type userWork struct {
	goVersion string
	dirs      []string // absolute
	replace   string   // lines for another go.work
}

func (p *workshop) userWork(ctx context.Context, module string) (userWork, error) {
	path := os.Getenv("GOWORK")
	if path == "off" {
		return userWork{}, nil
	}
	if path == "" {
		dir := findUp(module, "go.work")
		if dir == "" {
			return userWork{}, nil
		}
		path = filepath.Join(dir, "go.work")
	}
	out, err := p.tool.run(ctx, filepath.Dir(path), p.tool.environ(), "work", "edit", "-json", path)
	if err != nil {
		return userWork{}, fmt.Errorf("read %s: %s", p.target.display(path), strings.TrimSpace(out))
	}
	return parseWork(filepath.Dir(path), out)
}

// parseWork reads what `go work edit -json` printed of a go.work in dir.
func parseWork(dir, out string) (w userWork, err error) {
	type version struct{ Path, Version string }
	var f struct {
		Go      string
		Use     []struct{ DiskPath string }
		Replace []struct{ Old, New version }
	}
	if err := json.Unmarshal([]byte(out), &f); err != nil {
		return w, fmt.Errorf("read go.work: %w", err)
	}
	absolute := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	w.goVersion = f.Go
	for _, u := range f.Use {
		w.dirs = append(w.dirs, absolute(u.DiskPath))
	}
	for _, r := range f.Replace {
		if r.New.Version == "" {
			r.New.Path = absolute(r.New.Path)
		}
		w.replace += fmt.Sprintf("replace %s %s => %q %s\n", r.Old.Path, r.Old.Version, r.New.Path, r.New.Version)
	}
	return w, nil
}

// arguments says what to build, and adds the file of connectors unless the user has one of that name.
func (p *workshop) arguments() {
	if p.target.whole {
		p.args = []string{"."}
	} else {
		for _, path := range p.target.files {
			p.args = append(p.args, filepath.Base(path))
		}
	}
	link := filepath.Join(p.dir, connectorsFile)
	if _, err := os.Stat(link); p.target.linked || (err == nil && p.dir != p.scrap) {
		return
	}
	p.files["connectors.txt"] = connectorsSource
	p.overlay[link] = filepath.Join(p.scrap, "connectors.txt")
	if p.args[0] != "." {
		p.args = append(p.args, connectorsFile)
	}
}

// hash is a name for what the parts say together.
func hash(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
