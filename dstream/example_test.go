package dstream_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/dstream/dstreamtest"
)

// show runs a step over batches of rows and prints the rows that come out of each.
func show[T, U any](step func(dstream.Stream[T]) dstream.Stream[U], batches ...[]T) {
	showJob(func(job *dstream.Job, rows dstream.Stream[T]) dstream.Stream[U] { return step(rows) }, nil, batches...)
}

// showJob is show for a step that needs more of the job. prepare fills tables.
func showJob[T, U any](step func(*dstream.Job, dstream.Stream[T]) dstream.Stream[U], prepare func(*dstreamtest.Run), batches ...[]T) {
	t := &exampleTest{}
	defer t.end()
	run := dstreamtest.Start(t, func(job *dstream.Job) {
		step(job, job.Source[T]("rows")).WriteTo("out")
	}, dstreamtest.Options{})
	if prepare != nil {
		prepare(run)
	}
	shown := 0
	print := func(name string) {
		out := run.Rows[U]("out")
		var texts []string
		for _, row := range out[shown:] {
			texts = append(texts, fmt.Sprint(row))
		}
		shown = len(out)
		slices.Sort(texts)
		fmt.Println(strings.TrimRight(name+": "+strings.Join(texts, ", "), " "))
	}
	for i, rows := range batches {
		run.Send("rows", rows...)
		run.Tick(1)
		print(fmt.Sprint("batch ", i+1))
	}
	run.End()
	if len(run.Rows[U]("out")) > shown {
		print("at the end")
	}
}

// exampleTest stands in for the test that an example does not have.
type exampleTest struct {
	testing.TB
	cleanups []func()
}

func (t *exampleTest) Helper() {}

func (t *exampleTest) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (t *exampleTest) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleTest) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

func (t *exampleTest) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

func (t *exampleTest) TempDir() string {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (t *exampleTest) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}
