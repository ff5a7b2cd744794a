package config

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Cluster says which executors do the work of a job, and what they are shown. Without addresses the job's own process does it.
type Cluster struct {
	// Address lists executors, host:port, by commas. One that answers is enough: it knows the others. Default: none, the job runs in
	// one process.
	Address []string `mapstructure:"address"`
	// Executors is how many are used, 0 to 10,000. Default 0: all there are. `driver scale` changes it while the job runs.
	Executors int `mapstructure:"executors"`
	// CA, Cert and Key are PEM files that `driver certs issue` makes; they belong together. Default: none, and so only executors on
	// this machine.
	CA   string `mapstructure:"ca"`
	Cert string `mapstructure:"cert"`
	Key  string `mapstructure:"key"`
	// Secret is the file of the cluster's secret, by which members find each other. Default: none.
	Secret string `mapstructure:"secret"`
}

// parseAddresses reads a list of host:port.
func parseAddresses(s string) (any, error) {
	out := []string{}
	if s == "" {
		return out, nil
	}
	for a := range strings.SplitSeq(s, ",") {
		a = strings.TrimSpace(a)
		host, port, err := net.SplitHostPort(a)
		if err != nil || host == "" {
			return nil, fmt.Errorf("%q is no host:port", a)
		}
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("%q is no port from 1 to 65535", port)
		}
		out = append(out, a)
	}
	return out, nil
}

// parsePath makes a file's path absolute, so that a later change of the working directory means nothing.
func parsePath(s string) (any, error) {
	if s == "" {
		return "", nil
	}
	if strings.Contains(s, "://") {
		return nil, fmt.Errorf("%s is a URL, not a file", Redact(s))
	}
	return filepath.Abs(s)
}
