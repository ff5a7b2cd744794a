package files

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is one that is there.
type file struct {
	name         string
	size         int64
	mtime, ctime int64 // ns since 1970; ctime is when it got its name, or other attributes, here; 0 = the system does not say
}

// after is the order in which files are read.
func (f file) after(o moment) bool { return f.compare(file{name: o.Name, mtime: o.Mtime}) > 0 }

func (f file) compare(o file) int {
	return cmp.Or(cmp.Compare(f.mtime, o.mtime), cmp.Compare(f.name, o.name))
}

// list returns the files that are there in the order in which they are read.
func (s *Source) list() ([]file, error) {
	if s.single {
		st, err := os.Stat(s.path)
		if err != nil {
			return nil, err
		}
		return []file{fileOf(filepath.Base(s.path), st)}, nil
	}
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	var out []file
	for _, e := range entries {
		if !s.wanted(e.Name()) {
			continue
		}
		st, err := os.Stat(filepath.Join(s.path, e.Name())) // follows links
		if os.IsNotExist(err) || err == nil && !st.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, fileOf(e.Name(), st))
	}
	slices.SortFunc(out, file.compare)
	return out, nil
}

func fileOf(name string, st fs.FileInfo) file {
	return file{name, st.Size(), st.ModTime().UnixNano(), changed(st)}
}

func (s *Source) wanted(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || strings.HasSuffix(name, ".tmp") {
		return false
	}
	ok, _ := filepath.Match(s.pattern, name) // the pattern was checked when the source was opened
	return ok
}
