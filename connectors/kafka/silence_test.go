package kafka

import (
	"strings"
	"testing"

	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A machine that hangs keeps its connections: nothing fails, and the job says all the same what it waits for.
func TestSilenceIsTold(t *testing.T) {
	leakless(t)
	c := brokers(t, 1, kfake.NumBrokers(1))
	put(t, producer(t, c.ListenAddrs()), texts("in", 0, "a")...)
	s := source[string](t, c.ListenAddrs(), "in")
	ctx, waits, open := watched(t.Context())
	heard := make(chan struct{})
	c.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.SleepControl(func() { <-heard })
		return nil, nil, false
	})
	planned := make(chan error, 1)
	go func() {
		r, err := s.Plan(ctx, nil, dstream.Limit{})
		if err == nil && len(r.Splits) != 1 {
			t.Errorf("got %+v", r)
		}
		planned <- err
	}()
	select {
	case what := <-waits:
		if !strings.HasPrefix(what, "kafka "+c.ListenAddrs()[0]) || !strings.Contains(what, "no answer") {
			t.Errorf("waits for %q", what)
		}
		close(heard)
	case <-t.Context().Done():
	}
	if err := <-planned; err != nil {
		t.Error(err)
	}
	open.Wait()
}
