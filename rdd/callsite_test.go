package rdd_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/rdd"
)

// here is the line it is called from, as CallSite prints it.
func here() string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("callsite_test.go:%d", line)
}

// userStep is an operator of the user's own: it is the user's code that calls the engine.
func userStep(r rdd.RDD[int64]) rdd.RDD[int64] { return r.Filter(even) }

func TestCallSite(t *testing.T) {
	at := func(r interface{ Node() *rdd.Node }, want string) {
		t.Helper()
		if got := r.Node().At; got != want {
			t.Errorf("%s is at %s, want %s", r.Node().Kind, got, want)
		}
	}
	r := ints(1).Map(double)
	at(r, "callsite_test.go:28")
	long := r.
		Filter(even).
		KeyBy(rdd.Itself).
		Count()
	at(long, "callsite_test.go:33")
	at(userStep(r), "callsite_test.go:19")
	// A method value of a method with an inferred parameter stands where it was made, not where it is called.
	byValue, made := r.Filter[struct{}], here()
	at(byValue(even), made)
	byExpression, made := rdd.RDD[int64].Filter[struct{}], here()
	at(byExpression(r, even), made)
	mapped := r.Map[string]
	at(mapped(func(v int64) string { return "" }), "callsite_test.go:41") // where the method was instantiated
	at(func() rdd.RDD[int64] { return r.Map(double) }(), here())
	at(rdd.Distinct(r), here())
	at(rdd.Of(1, "a"), here())
	func() {
		defer func() { at(r.Cache(), here()) }()
	}()
	if got, want := rdd.CallSite(), here(); got != want {
		t.Errorf("CallSite is %s, want %s", got, want)
	}
}

func TestUserFrames(t *testing.T) {
	stack := strings.Join([]string{
		"goroutine 7 [running]:",
		"runtime/debug.Stack()", "\t/go/src/runtime/debug/stack.go:26 +0x5e",
		"github.com/tidemill/tidemill/rdd.(*Program).Run.func1()", "\t/src/rdd/run.go:15 +0x4a",
		"panic({0x1, 0x2})", "\t/go/src/runtime/panic.go:787 +0x132",
		"runtime.goPanicIndex(0x3, 0x0)", "\t/go/src/runtime/panic.go:115 +0x74",
		"strings.Repeat(...)", "\t/go/src/strings/strings.go:1",
		"main.price({0x1, 0x2})", "\t/home/me/job.go:31 +0x11",
		"main.build.func2(...)", "\t/home/me/job.go:12",
		"github.com/tidemill/tidemill/rdd.RDD[...].Map[...].func1(0x1)", "\t/src/rdd/map.go:9 +0x1",
		"main.main()", "\t/home/me/job.go:5 +0x1",
	}, "\n")
	want := "\t/go/src/strings/strings.go:1 strings.Repeat(...)\n\t/home/me/job.go:31 main.price({0x1, 0x2})\n\t/home/me/job.go:12 main.build.func2(...)"
	if got := rdd.UserFrames(stack); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, odd := range []string{"", "x", "goroutine 1 [running]:\nmain.main()"} {
		if got := rdd.UserFrames(odd); got != "" {
			t.Errorf("%q gave %q", odd, got)
		}
	}
}
