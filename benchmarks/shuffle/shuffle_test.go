package shuffle

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if is, err := Serve(context.Background()); is {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func TestScenario(t *testing.T) {
	var out strings.Builder
	if err := Scenario(context.Background(), &out, Options{Rows: 10_000, Chunk: 100, Parts: 3, Readers: 2, Runs: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"9600 rows of 57 bytes", "\nplain ", "\nTLS "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if err := Scenario(context.Background(), &out, Options{}); err == nil {
		t.Error("no rows, no error")
	}
}

// TestWrongRowsAreSeen: the check can fail.
func TestWrongRowsAreSeen(t *testing.T) {
	h := hold(10, 1)
	var s sum
	if err := s.take(h.chunk); err != nil || s != expect(10, 1) {
		t.Errorf("%v, %+v, want %+v", err, s, expect(10, 1))
	}
	h.chunk.Vals[5].ID++
	if s = (sum{}); s.take(h.chunk) != nil || s == expect(10, 1) {
		t.Error("a wrong number is not seen")
	}
	h.chunk.Vals[9].Page = "page-0000000"
	if s.take(h.chunk) == nil {
		t.Error("a wrong text is not seen")
	}
}
