package all

import (
	"testing"

	"github.com/tidemill/tidemill/dstream"
)

// A scheme that is linked cannot be registered again.
func TestEverySchemeIsLinked(t *testing.T) {
	for _, s := range []string{"cassandra", "files", "generate", "kafka", "socket", "sqlite"} {
		taken(t, s, func() { dstream.RegisterSource(s, nil) })
	}
	for _, s := range []string{"cassandra", "console", "deadletter", "files", "kafka", "sqlite"} {
		taken(t, s, func() { dstream.RegisterSink(s, nil) })
	}
}

func taken(t *testing.T, scheme string, register func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("scheme %s is not linked", scheme)
		}
	}()
	register()
}
