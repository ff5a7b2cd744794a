package status

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"testing"
	"time"

	"github.com/tidemill/tidemill/driver/report"
)

var (
	show     = flag.String("show", "", "serve a made-up job on this loopback address until interrupted, to look at")
	showFail = flag.Bool("show-failed", false, "with -show: its last batch failed")
)

// TestShow is not a test but how to look at the page while working on it: go test -run TestShow -show 127.0.0.1:4040
func TestShow(t *testing.T) {
	if *show == "" {
		t.Skip("nobody looks; -show ADDRESS serves a made-up job")
	}
	b := NewBoard(Options{})
	job := adsJob()
	job.Started = time.Now()
	b.SetJob(job)
	server, err := Listen(*show, b)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(server.URL())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	showBatches(ctx, b)
	if err := server.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func showBatches(ctx context.Context, b *Board) {
	p := NewProgress(b, ProgressOptions{})
	go p.Run(ctx)
	defer p.End("interrupted")
	for n := int64(1); ctx.Err() == nil; n++ {
		one := sample(n)
		shift := time.Since(one.Time)
		mark := one.Steps[0].Watermark.Add(shift)
		one.Time, one.Steps[0].Watermark = one.Time.Add(shift), &mark
		one.Timeline.Committed += time.Duration(rand.IntN(40)) * time.Millisecond
		if *showFail && n == 24 {
			b.Put(broken(n))
			p.Put(broken(n))
			<-ctx.Done()
			return
		}
		b.SetRunning(&report.Batch{Job: "ads", Batch: n, Time: one.Time, Outcome: report.Running})
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
		b.Put(one)
		p.Put(one)
	}
}
