package node

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
)

const (
	readyTime  = 30 * time.Second
	graceTime  = 30 * time.Second
	orphanTime = time.Minute
	// minRoom is the least memory and disk of a worker: below, it would only fail in a stranger way.
	minRoom = 64 << 20
)

// Options says what a daemon is. The zero value is an executor of this machine's name on loopback.
type Options struct {
	// Name is the executor's in the cluster; no two may have the same. Default: the certificate's, which it must be, else the host's.
	Name string
	// Listen is the host:port of its calls, default 127.0.0.1:7077. Workers listen on the same host. Other hosts than loopback need
	// Credentials.
	Listen string
	// Advertise is the host that others reach Listen by. Default: Listen's; needed where that is 0.0.0.0 or ::.
	Advertise string
	// Gossip is the host:port of membership, default 127.0.0.1:7946.
	Gossip string
	// Join are gossip addresses of executors to meet; none: the first of a cluster.
	Join []string
	// Cluster keeps clusters on one network apart. Default: the certificate's, else "tidemill".
	Cluster string
	// Dir keeps binaries, scratch, logs and submissions. Default: tidemill/executor in the user's cache folder. One daemon uses it at a
	// time. What lies in its scratch is deleted.
	Dir string
	// Slots is how many tasks run at once, over all jobs. Default: the cores.
	Slots int
	// Memory is what workers may use together, in bytes. Default: half of the machine's or the container's.
	Memory int64
	// Rack tells executors that fail together, for placement.
	Rack string
	// Credentials secure every connection; nil: loopback without TLS.
	Credentials *identity.Credentials
	// Out gets what the daemon has to say, and its workers' output with their job before each line. Default os.Stderr.
	Out io.Writer

	// MaxBinary is the largest binary that is accepted, in bytes. Default 512 MiB.
	MaxBinary int64
	// KeepBinaries is how many binaries are kept that no job uses. Default 8.
	KeepBinaries int
	// MaxFile bounds each file that a worker writes (RLIMIT_FSIZE), in bytes. Default: no bound.
	MaxFile int64
	// MaxFiles bounds the files and connections that a worker has open. Default 65536, or what the daemon itself may.
	MaxFiles int64
	// MaxLog bounds a worker's log on disk, in bytes: two files of half of it. Default 8 MiB.
	MaxLog int64
	// Ready is how long a worker may take to listen. Default 30 s.
	Ready time.Duration
	// Orphan is how long a worker without a driver keeps its state. Default 60 s.
	Orphan time.Duration
	// Grace is how long a daemon that ends waits for drivers to move their work elsewhere, and for those it hosts to end. Default 30 s.
	Grace time.Duration
	// Now ends the wait at once when it is closed.
	Now <-chan struct{}
	// Started is called once when the daemon serves, with what it is.
	Started func(About)
	// Progress reads the last committed batch of a checkpoint. nil: not known; then a hosted driver that has run for a minute counts as
	// having got on.
	Progress func(checkpoint string) (batch int64, ok bool)

	after func(time.Duration) <-chan time.Time // for tests: time.After
}

// withDefaults fills in and checks.
func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		to   *string
		text string
	}{{&o.Listen, "127.0.0.1:7077"}, {&o.Gossip, "127.0.0.1:7946"}, {&o.Cluster, cmp.Or(o.Credentials.Cluster(), "tidemill")}} {
		if *d.to == "" {
			*d.to = d.text
		}
	}
	for _, d := range []struct {
		to    *int64
		value int64
	}{{&o.Memory, machineMemory() / 2}, {&o.MaxBinary, 512 << 20}, {&o.MaxLog, 8 << 20}, {&o.MaxFiles, 65536}} {
		if *d.to == 0 {
			*d.to = d.value
		}
	}
	for _, d := range []struct {
		to    *time.Duration
		value time.Duration
	}{{&o.Ready, readyTime}, {&o.Orphan, orphanTime}, {&o.Grace, graceTime}} {
		if *d.to == 0 {
			*d.to = d.value
		}
	}
	if o.Slots == 0 {
		o.Slots = runtime.GOMAXPROCS(0)
	}
	if o.KeepBinaries == 0 {
		o.KeepBinaries = 8
	}
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.after == nil {
		o.after = time.After
	}
	o.Out = &lockedWriter{w: o.Out}
	return o.check()
}

func (o Options) check() (Options, error) {
	var err error
	certified := o.Credentials.Name()
	if o.Name == "" {
		o.Name = certified
	}
	if o.Name == "" {
		if o.Name, err = os.Hostname(); err != nil {
			return o, fmt.Errorf("name the executor: %w", err)
		}
	}
	if certified != "" && o.Name != certified {
		return o, fmt.Errorf("name %q: the certificate is that of %s: leave the name out, or issue a certificate for it (driver certs issue)", o.Name, certified)
	}
	if self := o.Credentials.Self(); certified != "" && !self.Has(identity.Executor) {
		return o, fmt.Errorf("the certificate is that of %s, and an executor needs the role %s: make one with driver certs issue --role", self, identity.Executor)
	}
	if err := checkName("executor", o.Name); err != nil {
		return o, err
	}
	if o.Slots < 1 || o.Slots > 4096 {
		return o, fmt.Errorf("slots: %d is not 1 to 4096", o.Slots)
	}
	if o.Memory < minRoom {
		return o, fmt.Errorf("memory: %s is less than %s, which the smallest worker needs", size(o.Memory), size(minRoom))
	}
	if o.Dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("find the cache folder: %w; name a folder with --dir", err)
		}
		o.Dir = filepath.Join(user, "tidemill", "executor")
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return o, fmt.Errorf("folder %s: %w", o.Dir, err)
	}
	return o, o.checkAddresses()
}

func (o *Options) checkAddresses() error {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q is not host:port", o.Listen)
	}
	if o.Advertise == "" {
		o.Advertise = host
	}
	if ip := net.ParseIP(o.Advertise); o.Advertise == "" || ip != nil && ip.IsUnspecified() {
		return errors.New("listen: " + o.Listen + " is no address that others can reach; name one with --advertise")
	}
	for _, addr := range []string{o.Listen, o.Gossip} {
		if err := o.Credentials.CheckBind(addr); err != nil {
			return err
		}
	}
	return nil
}
