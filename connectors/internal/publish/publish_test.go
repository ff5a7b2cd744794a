package publish

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCommitReplacesAndDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	staging, path := filepath.Join(dir, "_tmp"), filepath.Join(dir, "a")
	for _, content := range []string{"one", "two"} {
		if err := Put(staging, path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != content {
			t.Errorf("got %q, want %q", got, content)
		}
	}
	f, err := Create(staging, "b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("half")); err != nil {
		t.Fatal(err)
	}
	f.Discard()
	if left, _ := os.ReadDir(staging); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestCommitIntoNowhere(t *testing.T) {
	dir := t.TempDir()
	if err := Put(dir, filepath.Join(dir, "gone", "a"), nil); err == nil {
		t.Error("no error for a folder that is not there")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := Folder(filepath.Join(dir, "a", "b", "c")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Folder(filepath.Join(dir, "file", "x")); err == nil {
		t.Error("no error for a folder within a file")
	}
}
