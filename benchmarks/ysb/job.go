package ysb

import (
	"time"

	"github.com/tidemill/tidemill/dstream"
)

// Build is the job, as a user writes it.
func Build(job *dstream.Job) {
	campaigns := job.Table[string, Campaign]("campaigns")
	job.Source[Ad]("ads").
		Filter(func(a Ad) bool { return a.Event == "view" }).
		EventTime(func(a Ad) time.Time { return a.At }, dstream.Watermark{Delay: 5 * time.Second}).
		Lookup(campaigns, func(a Ad) string { return a.ID }, func(_ Ad, c Campaign) string { return c.ID }).
		KeyBy(dstream.Itself).
		Window(dstream.Tumbling(window)).
		Count().
		Map(func(campaign string, w dstream.Window, n int64) Views { return Views{campaign, w.Start, n} }).
		WriteTo("views")
}
