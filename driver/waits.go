package driver

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tidemill/tidemill/driver/status"
)

// quietWait is how long a wait may last without a word: leaders move and coordinators load in less.
const quietWait = time.Second

// waitsShown shows on the board what connectors wait for, and says so in the log: when a wait has lasted a second, and when it is over. A
// wait for the same that begins again within a minute is not said again.
func waitsShown(board *status.Board, log io.Writer) func(what string) (done func()) {
	w := &waitLog{board: board, log: log, said: map[string]time.Time{}}
	return w.begin
}

type waitLog struct {
	board *status.Board
	log   io.Writer

	mu   sync.Mutex
	said map[string]time.Time
}

func (w *waitLog) begin(what string) (done func()) {
	over, told := w.board.Wait(what), false
	timer := time.AfterFunc(quietWait, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if told = w.isNews(what); told {
			fmt.Fprintln(w.log, "tidemill: waiting for "+what)
		}
	})
	return func() {
		timer.Stop()
		took := over()
		w.mu.Lock()
		defer w.mu.Unlock()
		if told {
			fmt.Fprintf(w.log, "tidemill: no longer waiting, after %v, for %s\n", took.Round(time.Millisecond), what)
		}
	}
}

// isNews tells whether nobody has been told of the same within the last minute.
func (w *waitLog) isNews(what string) bool {
	for text, at := range w.said {
		if time.Since(at) > time.Minute {
			delete(w.said, text)
		}
	}
	if _, is := w.said[what]; is {
		return false
	}
	w.said[what] = time.Now()
	return true
}
