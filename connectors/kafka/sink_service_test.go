package kafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/kafka/transact"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// real is brokers of real Kafka, shared by the tests that do not kill them.
func real(t testing.TB) *servicetest.KafkaCluster {
	return servicetest.Kafka(t, servicetest.KafkaOptions{})
}

// forever is for batches whose time is long past.
const forever = "retention.ms=-1"

func TestServiceConformance(t *testing.T) {
	suite(t, func() ([]string, func(string, int32) error, error) {
		c := real(t)
		return c.Addresses(), func(topic string, n int32) error { return c.CreateTopic(t.Context(), topic, int(n), forever) }, nil
	}, true)
}

// exact compares what two read-committed readers that share no code with the sink see: franz-go, and Kafka's own consumer.
func exact(t *testing.T, c *servicetest.KafkaCluster, topic string, want []string) {
	t.Helper()
	if err := visible(t.Context(), c.Addresses(), topic); err != nil {
		t.Fatal(err)
	}
	records, err := readTopic(c.Addresses(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if got := values(records); !slices.Equal(got, want) {
		t.Errorf("franz-go sees %d rows, want %d; %s", len(got), len(want), difference(got, want))
	}
	var got []string
	for _, r := range servicetest.Consume(t, c, topic, servicetest.ReadCommitted) {
		got = append(got, r.Value)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("Kafka's consumer sees %d rows, want %d; %s", len(got), len(want), difference(got, want))
	}
}

// visible waits until committed readers see all of a topic whose transactions have all ended: the coordinator answers before it has told
// the partitions, and if their broker is killed then, it tells them once that is back.
func visible(ctx context.Context, addrs []string, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		return err
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	for {
		seen, err1 := admin.ListCommittedOffsets(ctx, topic)
		all, err2 := admin.ListEndOffsets(ctx, topic)
		hidden := ""
		all.Each(func(o kadm.ListedOffset) {
			if at, _ := seen.Lookup(o.Topic, o.Partition); at.Offset < o.Offset {
				hidden = fmt.Sprintf("partition %d of %s is seen up to %d of %d", o.Partition, topic, at.Offset, o.Offset)
			}
		})
		if err := errors.Join(err1, err2); err == nil && hidden == "" {
			return nil
		} else if ctx.Err() != nil {
			var partitions kadm.TopicsSet
			all.Each(func(o kadm.ListedOffset) { partitions.Add(o.Topic, o.Partition) })
			open, _ := admin.DescribeProducers(context.WithoutCancel(ctx), partitions)
			return fmt.Errorf("%s (%w); its producers: %+v", hidden, err, open)
		}
	}
}

func difference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("the first that differs is %q, want %q", got[i], want[i])
		}
	}
	return "one has more at its end"
}

// TestServiceBrokerKilled kills brokers while two partitions are written.
func TestServiceBrokerKilled(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			c := servicetest.Kafka(t, servicetest.KafkaOptions{Brokers: n, Own: true})
			c.Topic(t, "out", 3, forever)
			s := sinkFor[string](t, c.Addresses(), "out?compression=lz4")
			s.hold, s.batch = 2000, 500 // some transactions are open for long
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			stop, done := make(chan struct{}), make(chan int, 1000)
			for p := range 2 {
				wg.Go(func() {
					for b := 0; ; b++ {
						select {
						case <-stop:
							return
						default:
						}
						id := batchOf(1, int64(b))
						id.Partition, id.Partitions = p, 2
						if err := untilDone(ctx, s, id, batchRows(p, b)); err != nil {
							t.Errorf("partition %d, batch %d: %v", p, b, err)
						}
						done <- p
					}
				})
			}
			var batches [2]int
			for i := range 4 {
				c.Kill(i % n)
				c.Start(i % n)
				for range 10 {
					batches[<-done]++
				}
			}
			close(stop)
			wg.Wait()
			close(done)
			for p := range done {
				batches[p]++
			}
			var want []string
			for p, n := range batches {
				for b := range n {
					want = append(want, batchRows(p, b)...)
				}
			}
			slices.Sort(want)
			t.Logf("batches: %v", batches)
			exact(t, c, "out", want)
		})
	}
}

// batchRows are the rows of a partition of a batch: few or many.
func batchRows(p, b int) []string {
	var out []string
	for i := range 20 + 200*(b%3) {
		out = append(out, fmt.Sprintf("%d/%04d/%04d", p, b, i))
	}
	return out
}

// untilDone writes as the engine does: again, after an error that lets hope.
func untilDone(ctx context.Context, s *Sink, id dstream.WriteID, rows []string) error {
	for {
		_, err := s.Write(ctx, id, rowsOf(rows...))
		if !errors.Is(err, transact.ErrBroken) {
			return err
		}
	}
}

const envWriter = "TIDEMILL_KAFKA_WRITER"

// TestServiceWriterKilled kills a process that writes, again and again. The next one begins with the batch that is not known to be written.
func TestServiceWriterKilled(t *testing.T) {
	if os.Getenv(envWriter) != "" {
		writeUntilKilled(t)
	}
	c := real(t)
	c.Topic(t, "killed", 3, forever)
	r := rand.New(rand.NewPCG(7, 7))
	next := 0
	for epoch := range 15 {
		after := 1 + r.IntN(30)
		next = killedWriter(t, epoch+1, next, after, c.Addresses()[0])
	}
	s := sinkFor[string](t, c.Addresses(), "killed")
	if err := untilDone(t.Context(), s, batchOf(100, int64(next)), batchRows(0, next)); err != nil {
		t.Fatal(err)
	}
	var want []string
	for b := range next + 1 {
		want = append(want, batchRows(0, b)...)
	}
	t.Logf("%d batches", next+1)
	exact(t, c, "killed", want)
}

// killedWriter runs a writer and kills it somewhere behind its line number after. It returns the first batch that is not known to be
// written.
func killedWriter(t *testing.T, epoch, from, after int, addr string) int {
	cmd := exec.Command(os.Args[0], "-test.run=^TestServiceWriterKilled$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", envWriter, epoch, from, addr))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	next := from
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if b, ok := strings.CutPrefix(lines.Text(), "written "); ok {
			if next, err = strconv.Atoi(b); err != nil {
				t.Error(err)
			}
			next++
		} else if !strings.HasPrefix(lines.Text(), "row ") {
			t.Log(lines.Text())
		}
		if after--; after == 0 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return next
}

// writeUntilKilled is the child: it writes batch after batch, and says what it is at.
func writeUntilKilled(t *testing.T) {
	var epoch, b int
	var addr string
	if _, err := fmt.Sscan(os.Getenv(envWriter), &epoch, &b, &addr); err != nil {
		t.Fatal(err)
	}
	s := sinkFor[string](t, []string{addr}, "killed")
	s.hold, s.batch = 2000, 500
	for ; ; b++ {
		fmt.Println("row begins", b)
		rows := batchRows(0, b)
		if err := untilDone(t.Context(), s, batchOf(int64(epoch), int64(b)), rows); err != nil {
			t.Fatal(err)
		}
		fmt.Println("written", b)
	}
}

// TestServiceSecured writes over TLS with a password, and fails at once with a wrong one and with a stranger's authority.
func TestServiceSecured(t *testing.T) {
	c := servicetest.Kafka(t, servicetest.KafkaOptions{TLS: true, SASL: true})
	c.Topic(t, "secured", 2, forever)
	at := func(password, ca, mechanism string) *Sink {
		user := url.UserPassword(c.User(), password).String() + "@"
		return sinkFor[string](t, []string{user + c.Addresses()[0]}, "secured?tls=true&sasl="+mechanism+"&ca="+url.QueryEscape(ca))
	}
	for i, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		s := at(c.Password(), c.CA(), mechanism)
		if err := s.Start(t.Context(), batchOf(int64(i), int64(i))); err != nil {
			t.Fatal(err)
		}
		write(t, s, batchOf(int64(i), int64(i)), "a", "b")
		err := at("wr0ng", c.CA(), mechanism).Start(t.Context(), batchOf(1, 1))
		permanent(t, err, "password")
		if strings.Contains(err.Error(), "wr0ng") {
			t.Error("it tells the password")
		}
	}
	permanent(t, at(c.Password(), servicetest.StrangerCA(t), "plain").Start(t.Context(), batchOf(1, 1)), "not trusted")
	var got []string
	for _, r := range servicetest.Consume(t, c, "secured", servicetest.ReadCommitted) {
		got = append(got, r.Value)
	}
	slices.Sort(got)
	if want := []string{"a", "a", "a", "b", "b", "b"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
