package build

import (
	"go/ast"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// embedPatterns gives the patterns of the file's //go:embed comments, without the prefix all:.
func embedPatterns(f *ast.File) (patterns []string) {
	for _, group := range f.Comments {
		for _, c := range group.List {
			rest, ok := strings.CutPrefix(c.Text, "//go:embed ")
			for rest = strings.TrimSpace(rest); ok && rest != ""; rest = strings.TrimSpace(rest) {
				var p string
				p, rest = cutPattern(rest)
				patterns = append(patterns, strings.TrimPrefix(p, "all:"))
			}
		}
	}
	return patterns
}

// cutPattern takes the first word, which may be quoted as in Go.
func cutPattern(s string) (pattern, rest string) {
	if q, err := strconv.QuotedPrefix(s); err == nil {
		pattern, _ = strconv.Unquote(q)
		return pattern, s[len(q):]
	}
	pattern, rest, _ = strings.Cut(s, " ")
	return pattern, rest
}

// embedded gives the files that the patterns name, relative to dir. What the compiler does not allow (a path upwards,
// nothing at all) is left to it to report.
func embedded(dir string, patterns []string) (files []string) {
	for _, p := range patterns {
		if !fs.ValidPath(p) {
			continue
		}
		matches, _ := filepath.Glob(filepath.Join(dir, filepath.FromSlash(p)))
		for _, m := range matches {
			filepath.WalkDir(m, func(path string, d fs.DirEntry, err error) error {
				if rel, relErr := filepath.Rel(dir, path); err == nil && relErr == nil && d.Type().IsRegular() {
					files = append(files, rel)
				}
				return nil
			})
		}
	}
	return files
}
