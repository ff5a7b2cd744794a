package lint

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFormatted does what gofmt -l does, with the formatter of the toolchain that the repository is built with.
func TestFormatted(t *testing.T) {
	for _, s := range sources(t) {
		want, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(want, s.text) {
			t.Errorf("%s is not formatted: make fmt", s.path)
		}
	}
}

// TestExamples compiles the examples; each is one file that a user copies.
func TestExamples(t *testing.T) {
	files := map[string]int{}
	for _, s := range sources(t) {
		if within(s.folder(), "examples") && !s.test() {
			files[s.folder()]++
		}
	}
	if len(files) == 0 {
		t.Fatal("no examples found")
	}
	for folder, n := range files {
		if n != 1 {
			t.Errorf("%s has %d files: an example is one file, to be copied", folder, n)
		}
	}
	cmd := exec.Command("go", "vet", "./examples/...")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go vet ./examples/...: %v\n%s", err, out)
	}
}

// TestReadmeShowsExamples compares the jobs that the README shows with the files that are tested.
func TestReadmeShowsExamples(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources(t) {
		if s.path != "examples/ads/ads.go" && s.path != "examples/wordcount/wordcount.go" {
			continue
		}
		if at := bytes.Index(s.text, []byte("package main")); !bytes.Contains(readme, s.text[at:]) {
			t.Errorf("README.md does not show %s as it is", s.path)
		}
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
	link    = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)
	place   = regexp.MustCompile("`((?:rdd|dstream|executor|driver|connectors|cmd|lint|benchmarks|examples|docs)/[a-z0-9_./]*)`")
	command = regexp.MustCompile("(?m)(?:^|`)make ([a-z][a-z-]*)")
	target  = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// TestDocuments follows what documents name: files and folders, and targets of the Makefile.
func TestDocuments(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	err = walk(func(name string, text []byte) error {
		if path.Ext(name) != ".md" {
			return nil
		}
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, path.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
		for _, m := range place.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, which is not there", name, m[1])
			}
		}
		for _, m := range command.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(targets, m[1]) {
				t.Errorf("%s names make %s; the Makefile has %v", name, m[1], targets)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
