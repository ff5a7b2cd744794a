package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// flags are what the command line says.
type flags struct {
	node            node.Options
	identity        identity.Options
	memory, maxFile string
}

func (f *flags) register(s *pflag.FlagSet) {
	n, i := &f.node, &f.identity
	s.StringVar(&n.Name, "name", "", "`name` in the cluster (default: the certificate's, else the host's)")
	s.StringVar(&n.Listen, "listen", "", "`host:port` for drivers and other executors; workers listen on the same host (default 127.0.0.1:7077)")
	s.StringVar(&n.Advertise, "advertise", "", "`host` that others reach --listen and --gossip by (default: that of --listen)")
	s.StringVar(&n.Gossip, "gossip", "", "`host:port` of the membership, TCP and UDP (default 127.0.0.1:7946)")
	s.StringSliceVar(&n.Join, "join", nil, "gossip `addresses` of executors to meet, separated by commas (default: the first of a cluster)")
	s.StringVar(&n.Cluster, "cluster", "", "`name` that keeps clusters on one network apart (default: the certificate's, else tidemill)")
	s.StringVar(&n.Dir, "dir", "", "`folder` for binaries, scratch and logs (default: tidemill/executor in the user's cache folder)")
	s.IntVar(&n.Slots, "slots", 0, "how `many` tasks run at once, over all jobs (default: the cores)")
	s.StringVar(&f.memory, "memory", "", "`bytes` that workers may use together, like 2GiB (default: half of the machine's)")
	s.StringVar(&f.maxFile, "max-file", "", "`bytes` of the largest file that a worker may write (default: no bound)")
	s.StringVar(&n.Rack, "rack", "", "`name` of what this machine fails together with")
	s.DurationVar(&n.Grace, "grace", 0, "`time` for jobs to move elsewhere when this executor is told to end (default 30s)")
	s.StringVar(&i.CA, "ca", "", "`file` of the cluster's CA; see driver certs")
	s.StringVar(&i.Cert, "cert", "", "`file` of this executor's certificate")
	s.StringVar(&i.Key, "key", "", "`file` of its key")
	s.StringVar(&i.Secret, "secret", "", "`file` of the cluster's secret")
	s.BoolVar(&i.Insecure, "insecure", false, "listen beyond loopback without certificates: whoever reaches the ports can run code here")
}

// options loads the credentials and reads the amounts.
func (f *flags) options() (o node.Options, err error) {
	o = f.node
	for flag, a := range map[string]struct {
		text string
		to   *int64
	}{"memory": {f.memory, &o.Memory}, "max-file": {f.maxFile, &o.MaxFile}} {
		if a.text == "" {
			continue
		}
		n, err := config.ParseBytes(a.text)
		if err != nil {
			return o, fmt.Errorf("--%s: %w", flag, err)
		}
		*a.to = int64(n)
	}
	o.Credentials, err = identity.Load(f.identity)
	return o, err
}

// announce says what has been started: who it is, where, how secured, and among whom.
func announce(out io.Writer, a node.About, insecure bool) {
	security := "loopback only, without TLS"
	switch {
	case a.Secured:
		security = "TLS 1.3, client certificates, encrypted gossip"
	case insecure:
		security = "NOT SECURED (--insecure): whoever reaches these ports can run code here"
	}
	fmt.Fprintf(out, "executor %s: version %s of the engine, %s/%s, %d slots, %s of memory\n", a.Name, a.Engine, a.OS, a.Arch, a.Slots, config.Bytes(a.MemoryTotal>>20<<20))
	fmt.Fprintf(out, "executor %s: calls at %s, gossip at %s\n", a.Name, a.Address, a.Gossip)
	fmt.Fprintf(out, "executor %s: security: %s\n", a.Name, security)
	many := "executors"
	if len(a.Members) == 1 {
		many = "executor"
	}
	fmt.Fprintf(out, "executor %s: %d %s in the cluster: %s\n", a.Name, len(a.Members), many, strings.Join(a.Members, ", "))
}
