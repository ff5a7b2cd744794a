// Asof prints two tables of a job as they were when one batch was committed, while the job goes on.
//
//	go run ./examples/asof -hosts 127.0.0.1:9042 -keyspace analytics -job ads
//
// It is for a job with two Cassandra sinks: views, which overwrites the row of a window as views come in, and late, which writes a row once for each view that came too late:
//
//	sinks:
//	  views: "cassandra://127.0.0.1:9042/analytics.views?create=true"
//	  late: "cassandra://127.0.0.1:9042/analytics.late?create=true"
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/asof"
)

// Views is a row of the table views.
type Views struct {
	Campaign string    `col:"campaign_id"`
	Window   time.Time `col:"window"`
	Views    int64     `col:"views"`
}

// Late is a row of the table late.
type Late struct {
	Ad string    `col:"ad_id"`
	At time.Time `col:"event_time"`
}

func main() {
	hosts := flag.String("hosts", "127.0.0.1:9042", "of Cassandra, with commas between them")
	keyspace := flag.String("keyspace", "analytics", "of both tables")
	job := flag.String("job", "ads", "the job's name")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, strings.Split(*hosts, ","), *keyspace, *job); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, hosts []string, keyspace, job string) error {
	cluster := gocql.NewCluster(hosts...)
	cluster.Timeout = 15 * time.Second // beyond the 10 s after which a node itself gives a scan up
	session, err := cluster.CreateSession()
	if err != nil {
		return err
	}
	defer session.Close()
	o := asof.Options{Job: job, Sinks: []asof.Sink{
		{Name: "views", Table: keyspace + ".views"},
		{Name: "late", Table: keyspace + ".late", WrittenOnce: true},
	}}
	var views []Views
	var late []Late
	var batch int64
	err = asof.Read(ctx, session, o, func(s *asof.Snapshot) (err error) {
		batch = s.Batch()
		if views, err = s.Rows[Views]("views", ""); err == nil { // first, since its rows are overwritten
			late, err = s.Rows[Late]("late", "")
		}
		return err
	})
	if err != nil {
		return err
	}
	show(out, batch, views, late)
	return nil
}

func show(out io.Writer, batch int64, views []Views, late []Late) {
	fmt.Fprintf(out, "as of batch %d: %d windows, %d late views\n", batch, len(views), len(late))
	for _, v := range views {
		fmt.Fprintf(out, "%s  %s  %6d views\n", v.Campaign, v.Window.Format(time.DateTime), v.Views)
	}
	for _, l := range late {
		fmt.Fprintf(out, "late: ad %s at %s\n", l.Ad, l.At.Format(time.DateTime))
	}
}
