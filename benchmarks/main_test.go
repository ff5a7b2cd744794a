package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// The thread that package rig starts processes from lasts as long as the program.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// Every scenario runs, at a size at which its figures mean nothing. (startup needs a driver that is built, and minutes: its own package tests
// what can be tested without. cluster builds commands: its package runs it. kafka, cassandra and rivals need services: their packages run them.)
func TestScenariosRun(t *testing.T) {
	for _, args := range [][]string{
		{"ysb", "-n", "5000", "-batch", "2000", "-pairs", "1"},
		{"ysb", "-n", "5000", "-batch", "2000", "-pairs", "1", "-spacing", "10ms", "-input", "rows"},
		{"empty", "-batches", "20"},
		{"interval", "-batches", "20", "-interval", "2ms"},
		{"memory", "-batches", "200", "-interval", "1ms", "-rate", "1000"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			var out strings.Builder
			if err := run(&out, args); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			if !strings.Contains(out.String(), "commit") {
				t.Fatalf("no line about the machine in\n%s", &out)
			}
		})
	}
}

func TestUnknownScenarioAndFlags(t *testing.T) {
	for _, args := range [][]string{
		{"nothing"}, {}, {"ysb", "-n", "-5"}, {"ysb", "-input", "xml"}, {"interval", "-batches", "1"},
		{"kafka", "-n", "-5"}, {"cassandra", "-pairs", "-1"}, {"rivals", "-rival", "storm"}, {"cluster", "-what", "speed"},
	} {
		if err := run(&strings.Builder{}, args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
