package measure

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Machine is the line that stands above every figure: the processor, what else it does, the toolchain, the commit.
func Machine() string {
	return fmt.Sprintf("%s, %d cores, kernel %s, load %s; %s %s/%s, GOGC=%s GOMAXPROCS=%d GOAMD64=%s; commit %s",
		processor(), runtime.NumCPU(), firstLine("/proc/sys/kernel/osrelease"), firstWord("/proc/loadavg"),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, or(os.Getenv("GOGC"), "100"), runtime.GOMAXPROCS(0), or(os.Getenv("GOAMD64"), "v1"), commit())
}

func or(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func firstLine(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

func firstWord(file string) string {
	word, _, _ := strings.Cut(firstLine(file), " ")
	return word
}

func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

// commit is what is checked out; binaries of this repository carry no version control information.
func commit() string {
	head, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	out := strings.TrimSpace(string(head))
	if dirty, err := exec.Command("git", "status", "--porcelain").Output(); err == nil && len(dirty) > 0 {
		out += " with changes"
	}
	return out
}
