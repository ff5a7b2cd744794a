package driver

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/status"
)

// waitsShown shows on the board what connectors wait for, and says so in the log: once when a wait begins, and once when it is over.
// A wait for the same that begins again within a minute is not said again.
func waitsShown(board *status.Board, log io.Writer) func(what string) (done func()) {
	var mu sync.Mutex
	said := map[string]time.Time{}
	return func(what string) func() {
		over := board.Wait(what)
		mu.Lock()
		defer mu.Unlock()
		for text, at := range said {
			if time.Since(at) > time.Minute {
				delete(said, text)
			}
		}
		if _, is := said[what]; is {
			return func() { over() }
		}
		said[what] = time.Now()
		fmt.Fprintln(log, "tidemill: waiting for "+what)
		return func() {
			fmt.Fprintf(log, "tidemill: no longer waiting, after %v, for %s\n", over().Round(time.Millisecond), what)
		}
	}
}
