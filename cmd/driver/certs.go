package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

func init() { commands = append(commands, newCerts) }

// certsDir is where the CA lies if no folder is named.
const certsDir = "certs"

func newCerts() *cobra.Command {
	c := &cobra.Command{
		Use:   "certs",
		Short: "Make and replace what a cluster is secured with: CA, certificates, secret",
		Long: `Makes all files that a cluster needs to leave the loopback interface, in a folder for its administrator:

  driver certs init certs
  driver certs issue --role executor --name ex-1 --host 10.0.0.1 certs
  driver certs issue --role driver --name batch certs

Each certs/nodes/NAME is copied to its machine; certs itself, with the CA's key, stays. Processes take new files without a restart.
Certificates are renewed by driver certs rotate. The CA and the secret are replaced in the steps add, use and drop, and before each
step all machines must have the files of the one before:

  driver certs rotate --ca add certs      then copy certs/nodes/* to their machines
  driver certs rotate --ca use certs      copy again
  driver certs rotate --ca drop certs     copy again`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCertsInit(), newCertsIssue(), newCertsRotate(), newCertsList())
	return c
}

func dirOf(args []string) string {
	if len(args) == 0 {
		return certsDir
	}
	return args[0]
}

func newCertsInit() *cobra.Command {
	var cluster string
	var force bool
	c := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a CA and a cluster secret",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir := dirOf(args)
			a, err := authority.Init(dir, cluster, force)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: a CA and a secret of cluster %s, until %s; keep this folder on one machine\nnext: driver certs issue --role executor --name ex-1 --host 10.0.0.1 %s\n",
				dir, a.Cluster(), day(a.Expires()), dir)
			return nil
		},
	}
	c.Flags().StringVar(&cluster, "cluster", "tidemill", "name of the cluster; members of different ones refuse each other")
	c.Flags().BoolVar(&force, "force", false, "replace what is there: all certificates issued so far are worth nothing then")
	return c
}

func newCertsIssue() *cobra.Command {
	var o authority.Order
	var roles []string
	var days int
	c := &cobra.Command{
		Use:   "issue [DIR] --role ROLE --name NAME",
		Short: "Make a member's certificate",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			for _, s := range roles {
				r, err := identity.ParseRole(s)
				if err != nil {
					return fmt.Errorf("--role: %w", err)
				}
				o.Roles = append(o.Roles, r)
			}
			if days < 1 || days > 3650 {
				return fmt.Errorf("--days: %d, 1 to 3650 can be", days)
			}
			o.Life = time.Duration(days) * 24 * time.Hour
			a, err := authority.Open(dirOf(args))
			if err != nil {
				return err
			}
			is, err := a.Issue(o)
			if err != nil {
				return err
			}
			printIssued(c, is)
			return nil
		},
	}
	f := c.Flags()
	f.StringSliceVar(&roles, "role", nil, "what it may do: driver, executor, submitter, viewer; an executor that also hosts drivers has both, executor,driver")
	f.StringVar(&o.Name, "name", "", "name of the member: letters, digits, . _ -")
	f.StringSliceVar(&o.Hosts, "host", nil, "addresses and names under which browsers reach its status page")
	f.IntVar(&days, "days", int(authority.LeafLife/(24*time.Hour)), "how long it lasts")
	f.BoolVar(&o.Force, "force", false, "replace the certificate of that name")
	return c
}

func printIssued(c *cobra.Command, is authority.Issued) {
	fmt.Fprintf(c.OutOrStdout(), "%s: certificate and key of %s until %s; copy the folder to its machine\n", is.Dir, is.Peer, day(is.Expires))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

func newCertsRotate() *cobra.Command {
	var names []string
	var ca, secret string
	c := &cobra.Command{
		Use:   "rotate [DIR]",
		Short: "Renew certificates; replace the CA or the secret step by step",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			a, err := authority.Open(dirOf(args))
			if err != nil {
				return err
			}
			return rotate(c, a, names, ca, secret)
		},
	}
	f := c.Flags()
	f.StringSliceVar(&names, "name", nil, "renew only these members' certificates")
	f.StringVar(&ca, "ca", "", "a step of replacing the CA: add, use or drop")
	f.StringVar(&secret, "secret", "", "a step of replacing the cluster secret: add, use or drop")
	return c
}

func rotate(c *cobra.Command, a *authority.Authority, names []string, ca, secret string) error {
	if ca != "" && secret != "" || len(names) > 0 && ca+secret != "" {
		return errors.New("one at a time: certificates, --ca or --secret")
	}
	if ca+secret == "" {
		made, err := a.Renew(names...)
		for _, is := range made {
			printIssued(c, is)
		}
		if err == nil && len(made) == 0 {
			err = errors.New("no certificate was issued yet: make one with driver certs issue")
		}
		return err
	}
	step, err := authority.ParseStep(ca + secret)
	if err != nil {
		return err
	}
	what, do := "the CA", a.RotateCA
	if secret != "" {
		what, do = "the secret", a.RotateSecret
	}
	if err := do(step); err != nil {
		return err
	}
	told := map[authority.Step]string{
		authority.Add:  "copy nodes/* to their machines; when all have them: use",
		authority.Use:  "copy nodes/* to their machines; when all have them: drop",
		authority.Drop: "copy nodes/* to their machines, and it is done",
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %s: done; %s\n", what, step, told[step])
	return nil
}

func newCertsList() *cobra.Command {
	return &cobra.Command{
		Use:   "list [DIR]",
		Short: "List members' certificates and when they expire",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			a, err := authority.Open(dirOf(args))
			if err != nil {
				return err
			}
			all, err := a.List()
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintf(w, "MEMBER\tEXPIRES\tDAYS LEFT\tCA\n")
			for _, is := range all {
				fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", is.Peer, day(is.Expires), int(time.Until(is.Expires)/(24*time.Hour)), is.Issuer)
			}
			return w.Flush()
		},
	}
}
