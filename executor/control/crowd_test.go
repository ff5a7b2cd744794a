package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/wire"
	"github.com/tidemill/tidemill/rdd"
)

const crowdVariable = "CONTROL_TEST_CROWD"

// crowd makes this process many workers, if it was started to be that. They answer each task of a Launch with a TaskDone.
func crowd() bool {
	var n int
	if _, err := fmt.Sscan(os.Getenv(crowdVariable), &n); err != nil {
		return false
	}
	var addresses []string
	for range n {
		var w *Worker
		w = NewWorker(WorkerOptions{
			Job:    "job",
			Attach: func(wire.Attach) (wire.Hello, error) { return wire.Hello{}, nil },
			Take: func(m wire.Message) {
				for _, id := range m.(wire.Launch).Tasks {
					w.Report(answer(id))
				}
			},
			Beat: time.Hour,
		})
		server := grpc.NewServer(append(ServerOptions(), (*identity.Credentials)(nil).ServerOptions(Roles())...)...)
		w.Register(server)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		go server.Serve(l)
		addresses = append(addresses, l.Addr().String())
	}
	if err := json.NewEncoder(os.Stdout).Encode(addresses); err != nil {
		panic(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test has gone
	return true
}

func answer(id rdd.TaskID) wire.Report {
	return wire.TaskDone{
		Task: id, Counts: rdd.Counts{In: 100_000, Out: 3_000, Bytes: 171_000},
		Splits: map[string]dstream.SplitCount{"ads": {Fetched: 100_000, Delivered: 100_000}},
		Steps:  map[string]wire.StepSize{"ads/Window#1": {Touched: 100, Keys: 1000, Bytes: 60_000}}, Busy: 7 * time.Millisecond,
	}
}

// gather starts a process of so many workers, and returns their addresses.
func gather(b *testing.B, workers int) (addresses []string) {
	c := exec.Command(os.Args[0], "-test.run=^$")
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", crowdVariable, workers))
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&addresses); err != nil {
		b.Fatal(err)
	}
	return addresses
}

func cpu(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkCrowd is what 1,000 workers of four tasks each cost a driver in CPU time: encode, send, receive, decode. The workers are in
// another process.
func BenchmarkCrowd(b *testing.B) {
	const workers, tasks = 1000, 4
	addresses := gather(b, workers)
	var done, frames atomic.Int64
	all := make(chan struct{}, 1)
	var streams []*Stream
	for _, address := range addresses {
		s, err := Open(context.Background(), StreamOptions{
			Address: address, Attach: wire.Attach{Job: "job", Epoch: 1, Graph: "g"}, Beat: time.Hour,
			Report: func(rs []wire.Report) {
				frames.Add(1)
				if done.Add(int64(len(rs)))%(workers*tasks) == 0 {
					all <- struct{}{}
				}
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		streams = append(streams, s)
	}
	frames.Store(0)
	from, best := cpu(b), time.Hour
	b.ResetTimer()
	for i := range b.N {
		began := cpu(b)
		for w, s := range streams {
			ids := make([]rdd.TaskID, tasks)
			for k := range ids {
				ids[k] = rdd.TaskID{Batch: int64(i), Stage: 1, Partition: w*tasks + k, Attempt: 1}
			}
			s.Send(wire.Launch{Epoch: 1, Tasks: ids})
		}
		<-all
		best = min(best, cpu(b)-began)
	}
	b.StopTimer()
	b.ReportMetric(float64(best.Nanoseconds())/(workers*tasks), "best-cpu-ns/task") // on a machine that others use, too
	b.ReportMetric(float64(frames.Load())/float64(b.N*workers), "frames/worker")
	b.ReportMetric(float64((cpu(b)-from).Nanoseconds())/float64(b.N*workers*tasks), "cpu-ns/task")
}
