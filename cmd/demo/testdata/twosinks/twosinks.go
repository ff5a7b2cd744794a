// Twosinks is the demo's job with a second sink: the results also go to a topic.
package main

import (
	"time"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/dstream"
)

type Ad struct {
	ID    string    `col:"ad_id"`
	Event string    `col:"event_type"`
	At    time.Time `col:"event_time"`
}

type Campaign struct {
	Ad string `col:"ad_id,key"`
	ID string `col:"campaign_id"`
}

type Views struct {
	Campaign string    `col:"campaign_id,partition"`
	Window   time.Time `col:"window,key"`
	Views    int64     `col:"views"`
}

func main() { driver.Main(build) }

func build(job *dstream.Job) {
	campaigns := job.Table[string, Campaign]("campaigns")
	views := job.Source[Ad]("ads").
		Filter(func(a Ad) bool { return a.Event == "view" }).
		EventTime(func(a Ad) time.Time { return a.At }, dstream.Watermark{Delay: 5 * time.Second}).
		Lookup(campaigns, func(a Ad) string { return a.ID }, func(_ Ad, c Campaign) string { return c.ID }).
		KeyBy(dstream.Itself).
		Window(dstream.Tumbling(10 * time.Second)).
		Count().
		Map(func(campaign string, w dstream.Window, n int64) Views { return Views{campaign, w.Start, n} })
	views.WriteTo("topic")
	views.WriteTo("table")
}
