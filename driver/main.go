package driver

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/rate"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/dstream"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// exitRestart asks the supervisor to start the job again: what failed was the surroundings, and recovery mends it.
const exitRestart = 70

// Main is the whole main function of a job: it reads the configuration, builds the job with build, and runs it until its sources have
// ended or it is told to stop. It does not return.
//
// The first SIGINT or SIGTERM finishes the batch at hand, the second leaves at once; both lose nothing.
func Main(build func(*dstream.Job)) {
	err := runMain(build)
	switch {
	case err == nil:
		os.Exit(0)
	case errors.Is(err, ErrInterrupted):
		os.Exit(130)
	}
	fmt.Fprintln(os.Stderr, "tidemill: "+err.Error())
	if errors.Is(err, store.ErrSync) || errors.Is(err, ErrRestart) {
		os.Exit(exitRestart)
	}
	os.Exit(1)
}

func runMain(build func(*dstream.Job)) error {
	start, err := config.StartFrom(os.Environ())
	if err != nil {
		return err
	}
	if start.Mode == config.ModeWorker {
		return workMain(build)
	}
	c, err := config.Load(config.Options{File: start.File, Environ: os.Environ()})
	if err != nil {
		return err
	}
	if c.GOGC > 0 {
		debug.SetGCPercent(c.GOGC)
	}
	o, err := options(c, start)
	if err != nil {
		return err
	}
	g, err := dstream.Build(build, o.Name, o.Settings)
	if err != nil {
		return err
	}
	if start.Mode == config.ModeName {
		fmt.Println(cmp.Or(c.Job, g.Name))
		return nil
	}
	if start.Mode == config.ModeExplain {
		return printExplain(os.Stdout, g, o)
	}
	if c.Job == "" {
		c.Job = g.Name
	}
	o.Name = c.Job
	if o.Checkpoint, err = c.CheckpointDir(); err != nil {
		return err
	}
	if o.Checkpoint, err = (config.Endpoint{URL: o.Checkpoint}).Resolve(); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if start.Mode == config.ModeDoctor {
		return examine(os.Stdout, g, c, o)
	}
	return serve(build, c, start, o)
}

func printExplain(w io.Writer, g *dstream.Graph, o Options) error {
	scratch, err := os.MkdirTemp("", "tidemill-explain-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	o.Place.Scratch, o.Place.Look = scratch, true
	if err := g.Open(o.Place); err != nil {
		return err
	}
	defer g.Close()
	text, err := explain(g, max(o.Parallelism, 1), o.KeyGroups)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// options are a configuration's, as far as they are known before the job is built.
func options(c *config.Config, start config.Start) (Options, error) {
	args, err := arguments(os.Args[1:])
	if err != nil {
		return Options{}, err
	}
	binary, err := digestOfBinary()
	if err != nil {
		return Options{}, err
	}
	o := Options{
		Name: start.JobFile, Scratch: filepath.Join(c.Scratch, "tidemill"), Fresh: start.Fresh, Takeover: start.Takeover, Replan: start.Replan,
		AcceptLoss: start.AcceptLoss, Standby: start.Standby, Rate: rate.Options{Off: !c.Rate.Control, Initial: float64(c.Rate.Initial), Target: c.Rate.Target},
		Parallelism: c.Parallelism, ChunkRows: c.ChunkRows, BlockMemory: int64(c.Memory.Blocks), KeyGroups: c.KeyGroups, Retries: c.Retries,
		Limit: dstream.Limit{Rows: c.Limits.RowsPerBatch, Bytes: int64(c.Limits.BytesPerBatch)}, MaxBatches: c.MaxBatches, Grace: c.Grace,
		Binary: binary, Place: dstream.Place{},
		Settings: dstream.Settings{Sources: map[string]string{}, Sinks: map[string]string{}, Tables: map[string]string{}, Args: args},
	}
	if c.Job != "" {
		o.Name = c.Job
	}
	if c.IsSet("interval") {
		o.Interval = c.Interval
	}
	if o.Retries == 0 {
		o.Retries = -1 // for Options 0 is the default
	}
	if o.Cluster, err = clusterOf(c); err != nil {
		return o, err
	}
	if o.Cluster != nil && c.IsSet("parallelism") {
		o.Partitions = c.Parallelism
	}
	return o, endpoints(&o, c)
}

// clusterOf is where the executors are: those that the configuration names, or those around the one that has started this driver; nil for
// local mode.
func clusterOf(c *config.Config) (*Cluster, error) {
	hosting, hosted, err := node.ReceiveHosting()
	if err != nil {
		return nil, err
	}
	if len(c.Cluster.Address) == 0 && !hosted {
		return nil, nil
	}
	binary, err := ownBinary()
	if err != nil {
		return nil, err
	}
	if hosted { // the files that the configuration names are on the machine of who submitted the job
		o := &Cluster{Addresses: c.Cluster.Address, Executors: c.Cluster.Executors, Binary: binary, Gossip: []string{hosting.Gossip}, Label: hosting.Cluster}
		if len(hosting.Credentials) > 0 {
			o.Credentials, err = identity.Unbundle(hosting.Credentials)
		}
		return o, err
	}
	credentials, err := identity.Load(identity.Options{CA: c.Cluster.CA, Cert: c.Cluster.Cert, Key: c.Cluster.Key, Secret: c.Cluster.Secret})
	if err != nil {
		return nil, err
	}
	return &Cluster{Addresses: c.Cluster.Address, Executors: c.Cluster.Executors, Binary: binary, Credentials: credentials}, nil
}

// endpoints resolves the references in the configured URLs.
func endpoints(o *Options, c *config.Config) error {
	var errs []error
	for _, m := range []struct {
		section string
		from    map[string]config.Endpoint
		to      map[string]string
	}{{"sources", c.Sources, o.Settings.Sources}, {"sinks", c.Sinks, o.Settings.Sinks}, {"tables", c.Tables, o.Settings.Tables}} {
		for name, e := range m.from {
			u, err := e.Resolve()
			if err == nil {
				err = checkURL(u)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s.%s: %w", m.section, name, err))
			}
			m.to[name] = u
		}
	}
	if c.DeadLetters != "" {
		u, err := config.Endpoint{URL: c.DeadLetters}.Resolve()
		if err == nil {
			err = checkURL(u)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("dead_letters: %w", err))
		}
		o.Place.DeadLetters = u
	}
	return errors.Join(errs...)
}

// checkURL hides the URL in the error: it may hold a secret.
func checkURL(u string) error {
	if _, err := dstream.ParseURL(u); err != nil {
		return fmt.Errorf("%s is not a URL", config.Redact(u))
	}
	return nil
}

// arguments are the job's own: -name value, -name=value, --name=value; a name alone means true.
func arguments(in []string) (map[string]string, error) {
	out := map[string]string{}
	for i := 0; i < len(in); i++ {
		name := strings.TrimLeft(in[i], "-")
		if name == in[i] || name == "" {
			return nil, fmt.Errorf("argument %q: the job's parameters are written -name value", in[i])
		}
		name, value, has := strings.Cut(name, "=")
		if !has {
			value = "true"
			if i+1 < len(in) && !strings.HasPrefix(in[i+1], "-") {
				i++
				value = in[i]
			}
		}
		out[name] = value
	}
	return out, nil
}

// ownBinary is a path at which the running binary can be read, also if the file that was started has been replaced or has no name any more.
func ownBinary() (string, error) {
	const running = "/proc/self/exe" // Linux
	if _, err := os.Stat(running); err == nil {
		return running, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the job's binary: %w", err)
	}
	return path, nil
}

// digestOfBinary names the code that plans are made by.
func digestOfBinary() (string, error) {
	path, err := ownBinary()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the job's binary: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read the job's binary: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func logTo(w io.Writer, c config.Log) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return err
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		slog.SetDefault(slog.New(slog.NewJSONHandler(w, o)))
		return nil
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(w, o)))
	return nil
}

// signals returns a context that the first SIGINT or SIGTERM ends, and one that the second ends.
func signals() (finish, now context.Context, stop func()) {
	finish, endFinish := context.WithCancel(context.Background())
	now, endNow := context.WithCancel(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for _, end := range []func(){endFinish, endNow} {
			select {
			case <-c:
				end()
			case <-done:
				return
			}
		}
	}()
	return finish, now, func() {
		signal.Stop(c)
		close(done)
		endFinish()
		endNow()
	}
}
