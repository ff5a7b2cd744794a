package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/tidemill/tidemill/connectors/files"
	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

// run runs the job with a file of prices, and returns the values that it wrote, in order.
func run(t *testing.T, prices string) ([]string, error) {
	t.Helper()
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	err := driver.Run(t.Context(), context.Background(), build, driver.Options{
		Name: "orders", Checkpoint: filepath.Join(dir, "checkpoint"), Scratch: filepath.Join(dir, "scratch"),
		Settings: dstream.Settings{
			Sources: map[string]string{"orders": "files:in?format=json&bounded=true"},
			Tables:  map[string]string{"prices": prices},
			Sinks:   map[string]string{"values": "files:" + out + "?format=json"},
		},
	})
	var lines []string
	files, _ := filepath.Glob(filepath.Join(out, "*.*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			var v struct {
				Order string
				Cents json.Number
			}
			if err := json.Unmarshal([]byte(line), &v); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, v.Order+" "+v.Cents.String())
		}
	}
	slices.Sort(lines)
	return lines, err
}

// A table is a file of any format with columns.
func TestPricesOfAFile(t *testing.T) {
	ndjson := filepath.Join(t.TempDir(), "prices.ndjson")
	if err := os.WriteFile(ndjson, []byte("{\"article\":\"milk\",\"cents\":199}\n{\"article\":\"bread\",\"cents\":1}\n{\"article\":\"bread\",\"cents\":250}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, prices := range []string{"files:prices.csv?format=csv&header=true", "files:" + ndjson + "?format=json"} {
		got, err := run(t, prices)
		if want := []string{"o-1 500", "o-3 597"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", prices, got, err, want)
		}
	}
}

// A file that does not hold the table's rows says what is wrong with it, and where.
func TestPricesThatAreNone(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("article,cents\nmilk,199\nbread,much\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for prices, want := range map[string]string{
		"files:" + bad + "?format=csv&header=true": "bad.csv:3",
		"files:none.csv?format=csv&header=true":    "none.csv",
		"files:prices.csv?format=json":             "prices.csv:1",
	} {
		if _, err := run(t, prices); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "prices") {
			t.Errorf("%s: got %v, want %q", prices, err, want)
		}
	}
}
