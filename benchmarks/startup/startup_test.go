package startup

import (
	"context"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

func TestJobIsGoAndCanBeEdited(t *testing.T) {
	if _, err := parser.ParseFile(token.NewFileSet(), "job.go", source, 0); err != nil {
		t.Fatal(err)
	}
	if strings.Count(source, `mark("built")`) != 1 {
		t.Fatal("the line that an edit changes is not there once")
	}
}

func TestWithoutDriverItSaysWhatToDo(t *testing.T) {
	err := Scenario(context.Background(), &strings.Builder{}, Options{Driver: "no/such/driver"})
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Fatalf("got %v", err)
	}
}
