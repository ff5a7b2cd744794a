package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// Examine tells `driver doctor` whether the registry answers; nothing if none is asked.
func (d *records) Examine(ctx context.Context) []dstream.Finding {
	if d.client == nil {
		return nil
	}
	f := dstream.Finding{Subject: fmt.Sprintf("schema registry %s", d.client.base)}
	began := time.Now()
	if err := d.client.reach(ctx); err != nil {
		f.Severity, f.Text = dstream.Broken, err.Error()
		f.Remedy = "start it, or correct registry=; a job waits for it at the first record of a schema that it has not seen"
		return []dstream.Finding{f}
	}
	f.Text = "answers in " + time.Since(began).Round(time.Millisecond).String()
	return []dstream.Finding{f}
}
