package build

import (
	"fmt"
	"io"
	"time"
)

// quiet is how long a build may take without a word.
const quiet = time.Second

// showProgress tells of the build once it takes longer than quiet: on a terminal in a line that counts the seconds and
// goes at the end, elsewhere once. done ends it, and returns when nothing more is written.
func showProgress(o Options, job string, cold bool) (done func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		progress(o.Progress, o.Terminal, job, cold, stop)
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

func progress(w io.Writer, terminal bool, job string, cold bool, stop <-chan struct{}) {
	note := ""
	if cold {
		note = " (the first build compiles the engine, which takes a minute or two)"
	}
	begin := time.Now()
	tick := time.NewTicker(quiet)
	defer tick.Stop()
	shown := false
	for {
		select {
		case <-stop:
			if shown && terminal {
				fmt.Fprint(w, "\r\x1b[K")
			}
			return
		case now := <-tick.C:
			if terminal {
				fmt.Fprintf(w, "\r\x1b[Kbuilding %s … %d s%s", job, int(now.Sub(begin).Round(time.Second).Seconds()), note)
			} else if !shown {
				fmt.Fprintf(w, "building %s%s\n", job, note)
			}
			shown = true
		}
	}
}
