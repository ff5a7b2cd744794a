package main

import (
	"context"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver/config"
	"github.com/tidemill/tidemill/driver/fleet/operate"
	"github.com/tidemill/tidemill/executor/identity"
)

type clusterSetting struct{ flag, key, usage string }

// clusterSettings are the settings that commands which speak with a cluster have flags for.
var clusterSettings = []clusterSetting{
	{"cluster", "cluster::address", "`host:port` of executors, several by commas; one that answers is enough"},
	{"ca", "cluster::ca", "`file` with the cluster's certificate authority"},
	{"cert", "cluster::cert", "`file` with the certificate to show"},
	{"key", "cluster::key", "`file` with the key of that certificate"},
	{"secret", "cluster::secret", "`file` with the cluster's secret"},
}

// executorsSetting is that of commands which start a job.
var executorsSetting = clusterSetting{"executors", "cluster::executors", "`how many` executors are used (default all)"}

// clusterFlags adds the flags that say which cluster.
func clusterFlags(c *cobra.Command) {
	for _, s := range clusterSettings {
		c.Flags().String(s.flag, "", s.usage)
	}
}

// jobClusterFlags adds the flags that say which cluster runs a job.
func jobClusterFlags(c *cobra.Command) {
	clusterFlags(c)
	c.Flags().String(executorsSetting.flag, "", executorsSetting.usage)
}

// clusterGiven is what those flags set, by key.
func clusterGiven(c *cobra.Command) map[string]string {
	out := map[string]string{}
	for _, s := range append(slices.Clone(clusterSettings), executorsSetting) {
		if f := c.Flags().Lookup(s.flag); f != nil && f.Changed {
			out[s.key] = f.Value.String()
		}
	}
	return out
}

// withCluster lets a command speak with the cluster that flags, environment and configuration say, until it returns or is interrupted.
func withCluster(c *cobra.Command, do func(context.Context, *operate.Cluster) error) error {
	file := ""
	if f := c.Flags().Lookup("config"); f != nil {
		file = f.Value.String()
	}
	var err error
	if file == "" {
		file, err = config.Find(".")
	}
	if err != nil {
		return err
	}
	set, err := config.Load(config.Options{File: file, Environ: os.Environ(), Flags: clusterGiven(c)})
	if err != nil {
		return err
	}
	return onCluster(set.Cluster, func(ctx context.Context, o *operate.Cluster, _ *identity.Credentials) error { return do(ctx, o) })
}

func onCluster(s config.Cluster, do func(context.Context, *operate.Cluster, *identity.Credentials) error) error {
	credentials, err := identity.Load(identity.Options{CA: s.CA, Cert: s.Cert, Key: s.Key, Secret: s.Secret})
	if err != nil {
		return err
	}
	ctx, release := interruptible()
	defer release()
	o, err := operate.Connect(ctx, s.Address, credentials)
	if err == nil {
		defer o.Close()
		err = do(ctx, o, credentials)
	}
	if err != nil && ctx.Err() != nil {
		report(err)
		return exitStatus(130)
	}
	return err
}
