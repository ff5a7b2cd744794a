package driver

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill/driver/status"
)

type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func TestWaitsAreSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, board := &lockedText{}, status.NewBoard(status.Options{})
		wait := waitsShown(board, out)
		wait("a leader")() // too short for a word
		for range 3 {
			done := wait("a broker")
			time.Sleep(2 * time.Second)
			if n := len(board.Waits()); n != 1 {
				t.Errorf("the board shows %d waits", n)
			}
			done()
		}
		time.Sleep(2 * time.Minute)
		done := wait("a broker")
		time.Sleep(90 * time.Second)
		done()
		want := `tidemill: waiting for a broker
tidemill: no longer waiting, after 2s, for a broker
tidemill: waiting for a broker
tidemill: no longer waiting, after 1m30s, for a broker
`
		if got := out.text.String(); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if strings.Contains(out.text.String(), "leader") || len(board.Waits()) != 0 {
			t.Error("a short wait was said, or one is left on the board")
		}
	})
}
