package servicetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindJava(t *testing.T) {
	dir := t.TempDir()
	fake := func(name, says string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\necho '%s' >&2\n", says), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old, newer := fake("8", `java version "1.8.0_402"`), fake("21", `openjdk version "21.0.2" 2024-01-16`)
	right, broken := fake("17", `openjdk version "17.0.15" 2025-04-15`), filepath.Join(dir, "none")
	if got, err := findJava([]string{broken, old, newer, right}); got != right || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for _, c := range []struct {
		candidates []string
		want       string
	}{
		{nil, "needs Java 17: apt-get install openjdk-17-jdk-headless"},
		{[]string{broken}, "needs Java 17: "},
		{[]string{old, newer}, "needs Java 17, and " + old + " is Java 8: "},
		{[]string{newer}, newer + " is Java 21"},
	} {
		_, err := findJava(c.candidates)
		if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.candidates, err)
		}
	}
}
