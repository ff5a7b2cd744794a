package build

import (
	"errors"
	"fmt"
	"go/ast"
	gobuild "go/build"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// target is what the user wants to run.
type target struct {
	args   []string
	typed  map[string]string // absolute path → the path as typed
	files  []string          // absolute, sorted
	dir    string            // absolute
	whole  bool              // a folder, not files
	name   string
	linked bool     // imports connectors of its own choice
	embeds []string // patterns of go:embed
	cwd    string
}

// typedName is what to call the job in messages.
func (t *target) typedName() string { return strings.Join(t.args, " ") }

// readTarget finds the files and checks what can be checked without compiling, since the go command's own messages
// about these would show the cache.
func readTarget(args []string) (*target, error) {
	if len(args) == 0 {
		return nil, errors.New("no job named: write driver run job.go, or driver run ./folder")
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	t := &target{args: args, typed: map[string]string{}, cwd: cwd}
	st, err := os.Stat(args[0])
	if err == nil && st.IsDir() && len(args) == 1 {
		err = t.readFolder(args[0])
	} else {
		err = t.readFiles(args)
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(t.files)
	return t, t.check()
}

func (t *target) readFolder(arg string) (err error) {
	if t.dir, err = filepath.Abs(arg); err != nil {
		return err
	}
	t.whole, t.name = true, jobName(filepath.Base(t.dir))
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return fmt.Errorf("read the job: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if ok, err := gobuild.Default.MatchFile(t.dir, e.Name()); err == nil && ok {
			t.add(filepath.Join(t.dir, e.Name()), filepath.Join(arg, e.Name()))
		}
	}
	if len(t.files) == 0 {
		return fmt.Errorf("%s: no .go files in this folder for this machine", arg)
	}
	return nil
}

func (t *target) readFiles(args []string) error {
	for _, arg := range args {
		path, err := filepath.Abs(arg)
		if err != nil {
			return err
		}
		if err := checkFile(arg); err != nil {
			return err
		}
		if t.dir != "" && filepath.Dir(path) != t.dir {
			return fmt.Errorf("%s: not in the folder of %s; the files of a job lie in one folder", arg, args[0])
		}
		if t.dir == "" {
			t.dir, t.name = filepath.Dir(path), jobName(strings.TrimSuffix(filepath.Base(path), ".go"))
		}
		t.add(path, arg)
	}
	return nil
}

func (t *target) add(path, typed string) {
	if _, twice := t.typed[path]; !twice {
		t.files = append(t.files, path)
	}
	t.typed[path] = typed
}

// checkFile says what is wrong with an argument that should be a .go file.
func checkFile(arg string) error {
	st, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(arg, "-"):
		return fmt.Errorf("%s: not a file; flags of the job go behind --", arg)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such file", arg)
	case err != nil:
		return fmt.Errorf("read the job: %w", err)
	case st.IsDir():
		return fmt.Errorf("%s: a folder; name one folder, or .go files", arg)
	case !strings.HasSuffix(arg, ".go"):
		return fmt.Errorf("%s: not a .go file; arguments of the job go behind --", arg)
	case strings.HasSuffix(arg, "_test.go"):
		return fmt.Errorf("%s: a test, which go build leaves out; rename it to run it as a job", arg)
	}
	return nil
}

// check parses every file: syntax, package main, a main function, and which imports there are.
func (t *target) check() error {
	var wrong []string
	hasMain := false
	for _, path := range t.files {
		typed := t.typed[path]
		src, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the job: %w", err)
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, typed, src, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			wrong = append(wrong, syntaxErrors(err)...)
			continue
		}
		if f.Name.Name != "main" {
			wrong = append(wrong, fmt.Sprintf("%s: package %s: a job is a program: write package main", set.Position(f.Name.Pos()), f.Name.Name))
		}
		hasMain = hasMain || declaresMain(f)
		t.linked = t.linked || importsConnector(f)
		t.embeds = append(t.embeds, embedPatterns(f)...)
	}
	if len(wrong) == 0 && !hasMain {
		wrong = append(wrong, t.typed[t.files[0]]+": no main function: write func main() { driver.Main(build) }")
	}
	if len(wrong) > 0 {
		return &CompileError{Lines: wrong}
	}
	return nil
}

func syntaxErrors(err error) (lines []string) {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return []string{err.Error()}
	}
	for _, e := range list {
		lines = append(lines, e.Error())
	}
	return lines
}

func declaresMain(f *ast.File) bool {
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Recv == nil && fn.Name.Name == "main"
	})
}

// importsConnector reports whether the file links a connector itself. Formats are none: a job may parse with them.
func importsConnector(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(i *ast.ImportSpec) bool {
		path, err := strconv.Unquote(i.Path.Value)
		return err == nil && strings.HasPrefix(path, Module+"/connectors/") && path != Module+"/connectors/format"
	})
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// jobName makes a name that is good as a directory's out of a file's.
func jobName(file string) string {
	name := strings.TrimLeft(notInNames.ReplaceAllString(file, "-"), ".")
	if name == "" {
		return "job"
	}
	return name[:min(len(name), 100)]
}
