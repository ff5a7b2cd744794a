package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/tidemill/tidemill/connectors/generate"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/build"
)

// mistake is what somebody got wrong, and what the job and the doctor say about it.
type mistake struct {
	name         string
	source, sink func(*url.URL) // change the URLs that are right; nil = they stay
	more         string         // of the configuration
	says         []string       // the job, which ends; nil: it waits, and says for what
	doctor       []string       // nil: "broken", and the same
}

// TestMistakes runs the job of the README and the doctor with what people get wrong, on services that ask for TLS and a login, and looks
// for the words that help.
func TestMistakes(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker and a node")
	}
	k := servicetest.Kafka(t, servicetest.KafkaOptions{TLS: true, SASL: true})
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{TLS: true, Auth: true})
	m := newMistaken(t, k, c)
	for _, x := range append(m.around(k, c), m.connecting(k, c)...) {
		t.Run(x.name, func(t *testing.T) {
			config := m.configure(t, x)
			if x.doctor == nil {
				x.doctor = append([]string{"broken"}, x.says...)
			}
			m.run(t, config, "doctor", x.doctor)
			if x.says == nil {
				m.waits(t, config)
				return
			}
			m.run(t, config, "run", x.says)
		})
	}
}

// mistaken is the job, and a configuration that is right.
type mistaken struct {
	binary       string
	keyspace     string
	source, sink url.URL
	registry     string   // the address of one that knows no schema, and below /closed of one that refuses us
	secrets      []string // nothing that is printed may have them
}

// around are mistakes about what is there.
func (m *mistaken) around(*servicetest.KafkaCluster, *servicetest.CassandraCluster) []mistake {
	table := func(name string) func(*url.URL) { return func(u *url.URL) { u.Path = "/" + m.keyspace + "." + name } }
	topic := []string{`there is no topic "adz": did you mean ads? Else create it`}
	return []mistake{
		{name: "topic missing", source: func(u *url.URL) { u.Path = "/adz" }, says: append(topic, `ads.go:34: source "ads"`), doctor: append(topic, "broken")},
		{name: "keyspace missing", sink: func(u *url.URL) { u.Path = "/" + m.keyspace + "x.views" },
			says: []string{`there is no keyspace "` + m.keyspace + `x", but ks_`, "have it made", `CREATE KEYSPACE "` + m.keyspace + `x" WITH`, "'datacenter1': 1"}},
		{name: "table missing", sink: func(u *url.URL) { table("view")(u); with(u, "create", "false") },
			says: []string{`there is no table "view"`, "did you mean views?", "to make it: CREATE TABLE", "or add create=true"}},
		{name: "table without a column", sink: table("narrow"), says: []string{"it lacks the column views: ALTER TABLE " + m.keyspace + ".narrow ADD views bigint"}},
		{name: "table with another key", sink: table("turned"),
			says: []string{"its key is PRIMARY KEY ((window), campaign_id), but the rows' tags say PRIMARY KEY ((campaign_id), window)"}},
		{name: "table written by a clock ahead", sink: table("views"), more: "job: ahead",
			says:   []string{"batch 77 of job ahead, sink views was written with the time ", "the clock is behind: set it, or wait"},
			doctor: []string{"warning  mark of sink views: batch 77", "ahead of this machine's clock"}},
		{name: "checkpoint unwritable", more: "checkpoint: " + filepath.Join(m.binary, "checkpoint"), says: []string{"is not a directory: name another one with --checkpoint"},
			doctor: []string{"broken   checkpoint " + m.binary, "set checkpoint to another directory"}},
		{name: "parameters misspelt", source: func(u *url.URL) { with(u, "isolaton", "committed") }, sink: func(u *url.URL) { with(u, "craete", "true") },
			says: []string{"parameter isolaton is not known", "did you mean isolation?", `unknown parameter "craete"`, "did you mean create?"}},
	}
}

// connecting are mistakes about how it is reached.
func (m *mistaken) connecting(k *servicetest.KafkaCluster, c *servicetest.CassandraCluster) []mistake {
	away := func(u *url.URL) { u.Host = "127.0.0.1:1" }
	password := func(u *url.URL) { u.User = url.UserPassword("tidemill", "guessed") }
	trust := func(ca string) func(*url.URL) { return func(u *url.URL) { with(u, "ca", ca) } }
	avro := func(registry string) func(*url.URL) {
		return func(u *url.URL) { u.Path = "/avro"; with(u, "format", "avro"); with(u, "registry", registry) }
	}
	return []mistake{
		{name: "broker away", source: away, doctor: []string{"broken   broker 127.0.0.1:1: ", "connection refused", "correct the URL"}},
		{name: "node away", sink: away, says: []string{"cassandra 127.0.0.1:1: nobody listens there: is the node up"}},
		{name: "password of Kafka wrong", source: password, says: []string{"user or password are wrong"}},
		{name: "password of Cassandra wrong", sink: password, says: []string{`refuses user "tidemill": check user and password in the URL`}},
		{name: "authority of Kafka wrong", source: trust(c.CA()), says: []string{"signed by an authority that is not trusted: give the file of that authority as ca="}},
		{name: "authority of Cassandra wrong", sink: trust(k.CA()), says: []string{"ca= does not vouch for: give the authority that signed it"}},
		{name: "registry refuses", source: avro(m.registry + "/closed"), says: []string{"/closed: answers 401 Unauthorized: check the user and password in registry="}},
		{name: "registry away", source: avro("http://127.0.0.1:1"), doctor: []string{"broken   schema registry http://127.0.0.1:1: ", "connection refused", "correct registry="}},
		{name: "schema unknown", source: avro(m.registry), says: []string{"bad record", "avro/0@0", "schema id 7 is not in the registry", "set dead_letters"},
			doctor: []string{"ok       schema registry " + m.registry}},
	}
}

// with sets a parameter.
func with(u *url.URL, name, value string) {
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
}

// newMistaken builds the job, and makes what it runs on.
func newMistaken(t *testing.T, k *servicetest.KafkaCluster, c *servicetest.CassandraCluster) *mistaken {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	binary, err := build.Job(ctx, []string{"../../examples/ads/ads.go"}, build.Options{Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	m := &mistaken{binary: binary.Path, keyspace: c.Keyspace(t), registry: emptyRegistry(t), secrets: []string{k.Password(), c.Password(), "guessed"}}
	m.source = url.URL{Scheme: "kafka", User: url.UserPassword(k.User(), k.Password()), Host: k.Addresses()[0], Path: "/ads"}
	m.sink = url.URL{Scheme: "cassandra", User: url.UserPassword(c.User(), c.Password()), Host: fmt.Sprintf("%s:%d", c.Hosts()[0], c.Port()), Path: "/" + m.keyspace + ".fresh"}
	with(&m.sink, "create", "true")
	for u, ca := range map[*url.URL]string{&m.source: k.CA(), &m.sink: c.CA()} {
		with(u, "tls", "true")
		with(u, "ca", ca)
	}
	produceOne(t, k)
	session := c.Session(t, m.keyspace)
	for _, text := range []string{
		"CREATE TABLE views (campaign_id text, window timestamp, views bigint, PRIMARY KEY (campaign_id, window))",
		"CREATE TABLE narrow (campaign_id text, window timestamp, PRIMARY KEY (campaign_id, window))",
		"CREATE TABLE turned (campaign_id text, window timestamp, views bigint, PRIMARY KEY (window, campaign_id))",
		"CREATE TABLE tidemill_sinks (job text, sink text, target text, last_batch bigint, ts bigint, epoch bigint, PRIMARY KEY ((job, sink), target))",
		fmt.Sprintf("INSERT INTO tidemill_sinks (job, sink, target, last_batch, ts, epoch) VALUES ('ahead', 'views', 'views', 77, %d, 1)", time.Now().Add(time.Hour).UnixMicro()),
	} {
		if err := session.Query(text).Exec(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return m
}

// produceOne makes the topics: ads with an event, avro with a record of schema 7.
func produceOne(t *testing.T, k *servicetest.KafkaCluster) {
	ads, err := generate.NewAdStream(generate.Ads{Seed: 1, Spacing: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	config := k.Config()
	config.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(k.Addresses(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for topic, value := range map[string][]byte{"ads": ads.AppendJSON(nil, 0), "avro": append(binary.BigEndian.AppendUint32([]byte{0}, 7), 2)} {
		k.Topic(t, topic, 1)
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value)}); err != nil {
			t.Fatal(err)
		}
	}
}

// emptyRegistry is a schema registry without schemas, which refuses what is below /closed.
func emptyRegistry(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/closed/"):
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/schemas/types":
			fmt.Fprint(w, `["AVRO"]`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":40403,"message":"Schema 7 not found"}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// configure writes a configuration with a mistake in it.
func (m *mistaken) configure(t *testing.T, x mistake) string {
	source, sink, dir := m.source, m.sink, t.TempDir()
	if x.source != nil {
		x.source(&source)
	}
	if x.sink != nil {
		x.sink(&sink)
	}
	if !strings.HasPrefix(x.more, "checkpoint:") {
		x.more += "\ncheckpoint: " + filepath.Join(dir, "checkpoint")
	}
	text := fmt.Sprintf(`interval: 50ms
ui: "off"
scratch: %s
sources: {ads: "%s"}
tables: {campaigns: "generate://campaigns?seed=1"}
sinks: {views: "%s"}
%s
`, dir, source.String(), sink.String(), x.more)
	file := filepath.Join(dir, "tidemill.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// command is the job, which prints to out. Nothing is to hang, so it is killed in the end.
func (m *mistaken) command(t *testing.T, config, mode string, out *heard) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, m.binary)
	cmd.Env = append(os.Environ(), "TIDEMILL_CONFIG="+config, "TIDEMILL_MODE="+mode)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd
}

// run runs the job to its end, and looks for words in what it printed.
func (m *mistaken) run(t *testing.T, config, mode string, want []string) {
	t.Helper()
	out := &heard{}
	err := m.command(t, config, mode, out).Run()
	text := out.String()
	broken := mode == "run" || strings.Contains(text, "\n  broken ")
	if ended, ok := err.(*exec.ExitError); (ok && ended.ExitCode() == 1) != broken || !ok && err != nil {
		t.Errorf("%s: %v", mode, err)
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q", mode, w)
		}
	}
	m.tidy(t, text)
	if t.Failed() {
		t.Logf("%s said:\n%s", mode, text)
	}
}

// waits runs the job until it says what it waits for, and tells it to stop.
func (m *mistaken) waits(t *testing.T, config string) {
	t.Helper()
	out := &heard{}
	cmd := m.command(t, config, "run", out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	out.await(t, ended, "waiting for ", "127.0.0.1:1", "connection refused")
	for range 2 { // the first would wait for the batch at hand
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	<-ended
	if cmd.ProcessState.ExitCode() < 0 {
		t.Errorf("%v", cmd.ProcessState)
	}
	m.tidy(t, out.String())
}

// tidy looks for what nobody wants to read.
func (m *mistaken) tidy(t *testing.T, text string) {
	t.Helper()
	for _, bad := range append([]string{"panic:", "goroutine ", "a retry would fail", "%!"}, m.secrets...) {
		if strings.Contains(text, bad) {
			t.Errorf("it says %q:\n%s", bad, text)
		}
	}
}
