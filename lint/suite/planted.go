package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var (
	tagLine = regexp.MustCompile(`(?m)^//go:build .*$`)
	bugTag  = regexp.MustCompile(`\bplantedbug_\w+\b`)
)

// planted builds with each tag and demands that the tests see it: those of the package that the bug is in, or else those of the
// packages that use it.
func planted(w io.Writer, tags []string) error {
	found, err := plantedIn(".")
	if err != nil {
		return err
	}
	if len(tags) == 0 {
		tags = slices.Sorted(maps.Keys(found))
	}
	var unseen []string
	for _, tag := range tags {
		at, ok := found[tag]
		if !ok {
			return fmt.Errorf("no file has the build tag %s", tag)
		}
		by, err := seen(tag, at)
		if err != nil {
			return err
		}
		if by == "" {
			unseen = append(unseen, tag)
			fmt.Fprintf(w, "%-20s in %s: NOT NOTICED\n", tag, at)
			continue
		}
		fmt.Fprintf(w, "%-20s in %s: noticed by %s\n", tag, at, by)
	}
	if len(unseen) > 0 {
		return fmt.Errorf("no test notices %s", strings.Join(unseen, ", "))
	}
	if len(tags) == 0 {
		return errors.New("no bug is planted anywhere")
	}
	return nil
}

// plantedIn finds the tags below root and the folder of each.
func plantedIn(root string) (map[string]string, error) {
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, tag := range bugTag.FindAllString(tagLine.FindString(string(text)), -1) {
			found[tag] = "./" + filepath.ToSlash(filepath.Dir(path))
		}
		return err
	})
	return found, err
}

// seen returns which tests fail with a tag, "" if none does. A package that no longer builds proves nothing.
func seen(tag, at string) (string, error) {
	users, err := usersOf(at)
	if err != nil {
		return "", err
	}
	for _, packages := range [][]string{{at}, users} {
		if len(packages) == 0 {
			continue
		}
		var log strings.Builder
		o, err := goTest(&log, append([]string{"-tags", tag, "-timeout", "5m"}, packages...)...)
		switch {
		case err != nil:
			return "", fmt.Errorf("%s: %w\n%s", tag, err, log.String())
		case len(o.failed) > 0:
			return fmt.Sprintf("%s and %d more", short(o.failed[0]), len(o.failed)-1), nil
		case len(o.broken) > 0:
			return "", fmt.Errorf("%s: %s did not get to its tests:\n%s", tag, strings.Join(o.broken, ", "), log.String())
		}
	}
	return "", nil
}

// usersOf lists the packages that depend on one, tests included.
func usersOf(at string) ([]string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}", at).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", at, err)
	}
	path := strings.TrimSpace(string(out))
	out, err = exec.Command("go", "list", "-test", "-f", `{{if .ForTest}}{{.ForTest}} {{join .Deps " "}}{{end}}`, "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("go list -test: %w", err)
	}
	var users []string
	for line := range strings.Lines(string(out)) {
		of := strings.Fields(line)
		if len(of) > 0 && of[0] != path && slices.Contains(of, path) && !slices.Contains(users, of[0]) {
			users = append(users, of[0])
		}
	}
	return users, nil
}
