package checkpoint

import (
	"strings"
	"testing"
)

func TestDirectory(t *testing.T) {
	var text strings.Builder
	if err := Scenario(t.Context(), &text, Options{Batches: 5, Warm: -1, State: 100, Dir: t.TempDir(), DirOnly: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"5 batches", "directory", "PLAN", "state segment", "COMMIT", "floor of a batch"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
