package rdd

import (
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

const module = "github.com/tidemill/tidemill/"

// engine lists the packages whose frames are not the user's.
var engine = []string{module + "rdd.", module + "dstream.", module + "driver.", module + "rdd/"}

// CallSite is the place in the user's file that called into the engine, as "job.go:12": the innermost frame whose function is
// not the engine's own, its tests' apart. It is found by function, not by file, since a job may be built from another folder than it is in.
func CallSite() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function != "" && (!engineFrame(f.Function) || strings.HasSuffix(f.File, "_test.go")) {
			return filepath.Base(f.File) + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "?"
		}
	}
}

func engineFrame(function string) bool {
	for _, p := range engine {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}
