package node

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
)

const (
	lastLines = 20      // of a job's output that explain its end
	maxTail   = 4 << 10 // bytes of those
	maxLine   = 8 << 10 // bytes; a longer line is broken
)

// lockedWriter lets several goroutines write lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes while nobody else does.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// output takes what a job's processes print: into a log on disk that never grows beyond its bound, to the daemon's own output with the
// job before each line, and the last lines are kept to explain an end. It never fails: a job must not be harmed by its log.
type output struct {
	job  string
	echo io.Writer
	root *os.Root
	max  int64 // bytes on disk, in two files

	mu   sync.Mutex // guards what follows
	file *os.File
	size int64
	line []byte // not ended yet
	tail []byte
}

// Write takes a piece of output.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		piece := rest
		if end >= 0 {
			piece = rest[:end]
		}
		piece = piece[:min(len(piece), maxLine-len(o.line))]
		o.line = append(o.line, piece...)
		rest = rest[len(piece):]
		switch {
		case len(rest) > 0 && rest[0] == '\n':
			rest = rest[1:]
			o.endLine()
		case len(o.line) == maxLine:
			o.endLine()
		}
	}
	return len(p), nil
}

// endLine passes the line on. The caller holds the lock.
func (o *output) endLine() {
	text := printable(string(o.line))
	o.line = o.line[:0]
	o.tail = append(append(o.tail, text...), '\n')
	o.tail = o.tail[max(0, len(o.tail)-maxTail):]
	fmt.Fprintf(o.echo, "%s| %s\n", o.job, text)
	o.log(text + "\n")
}

// printable takes out what would drive a terminal: output of jobs is shown to people.
func printable(line string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.IsControl(r) {
			return '.'
		}
		return r
	}, line)
}

// log writes to the file, and begins a new one when it is half of the bound long; the last one is kept beside it.
func (o *output) log(text string) {
	name := o.job + ".log"
	if o.file != nil && o.size+int64(len(text)) > o.max/2 {
		o.file.Close()
		o.file = nil
		if err := o.root.Rename(name, name+".1"); err != nil {
			return
		}
	}
	if o.file == nil {
		f, err := o.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return
		}
		o.file, o.size = f, 0
		if st, err := f.Stat(); err == nil {
			o.size = st.Size()
		}
	}
	n, _ := io.WriteString(o.file, text)
	o.size += int64(n)
}

// last is the end of the output.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.line) > 0 {
		o.endLine()
	}
	lines := strings.Split(strings.TrimSpace(string(o.tail)), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "\n")
}

// forget lets the next process explain its own end.
func (o *output) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = nil
}

// Close closes the file.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}

// outputs hands out one output a job, which lives as long as the daemon.
type outputs struct {
	echo io.Writer
	root *os.Root
	max  int64

	mu  sync.Mutex
	all map[string]*output
}

func (s *outputs) of(job string) *output {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[job] == nil {
		s.all[job] = &output{job: job, echo: s.echo, root: s.root, max: s.max}
	}
	return s.all[job]
}

// Close closes them all.
func (s *outputs) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, o := range s.all {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}
