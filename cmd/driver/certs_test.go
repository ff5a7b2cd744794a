package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/executor/identity"
)

// certs runs driver certs and gives what it printed.
func certs(args ...string) (string, error) {
	var out bytes.Buffer
	c := newCerts()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.Execute()
	return out.String(), err
}

func TestCerts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	date := regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	var printed strings.Builder
	for _, k := range []struct{ args, want, err string }{
		{"issue --role executor --name ex-1", "", "there is no CA in DIR: make one with driver certs init DIR"},
		{"init --cluster ads", "DIR: a CA and a secret of cluster ads, until DATE; keep this folder on one machine\nnext: driver certs issue --role executor --name ex-1 --host 10.0.0.1 DIR\n", ""},
		{"init", "", "DIR/ca.key exists already; --force replaces it"},
		{"rotate", "", "no certificate was issued yet: make one with driver certs issue"},
		{"issue --role executer --name ex-1", "", `--role: there is no role "executer"; did you mean executor?`},
		{"issue --name ex-1", "", "ex-1 has no role"},
		{"issue --role executor", "", `the name "" cannot be used`},
		{"issue --role executor --name ../x", "", `the name "../x" cannot be used`},
		{"issue --role executor --name ex-1 --days 0", "", "--days: 0, 1 to 3650 can be"},
		{"issue --role executor,driver --name ex-1 --host 10.0.0.1,a.example", "DIR/nodes/ex-1: certificate and key of ex-1 (executor, driver) until DATE; copy the folder to its machine\n", ""},
		{"issue --role viewer --name ex-1", "", "exists already; --force replaces it"},
		{"issue --role viewer --name eve --days 1", "DIR/nodes/eve: certificate and key of eve (viewer) until DATE; copy the folder to its machine\n", ""},
		{"list", "MEMBER                   EXPIRES     DAYS LEFT  CA\neve (viewer)             DATE  0          CA of ads of DATE\nex-1 (executor, driver)  DATE  89         CA of ads of DATE\n", ""},
		{"rotate --name eve", "DIR/nodes/eve: certificate and key of eve (viewer) until DATE; copy the folder to its machine\n", ""},
		{"rotate --name bob", "", "bob has no certificate in DIR/nodes: make one with driver certs issue"},
		{"rotate --name eve --ca add", "", "one at a time"},
		{"rotate --ca add --secret add", "", "one at a time"},
		{"rotate --ca fly", "", `there is no step "fly": the steps are add, use and drop`},
		{"rotate --ca use", "", "rotate the CA: use: there is no next CA: add one first"},
		{"rotate --ca add", "the CA: add: done; copy nodes/* to their machines; when all have them: use\n", ""},
		{"rotate --ca use", "the CA: use: done; copy nodes/* to their machines; when all have them: drop\n", ""},
		{"rotate --ca drop", "the CA: drop: done; copy nodes/* to their machines, and it is done\n", ""},
		{"rotate --secret add", "the secret: add: done; copy nodes/* to their machines; when all have them: use\n", ""},
		{"rotate --secret use", "the secret: use: done; copy nodes/* to their machines; when all have them: drop\n", ""},
		{"rotate --secret drop", "the secret: drop: done; copy nodes/* to their machines, and it is done\n", ""},
		{"init --force", "DIR: a CA and a secret of cluster tidemill, until DATE; keep this folder on one machine\nnext: driver certs issue --role executor --name ex-1 --host 10.0.0.1 DIR\n", ""},
	} {
		out, err := certs(append(strings.Fields(k.args), dir)...)
		printed.WriteString(out)
		out = date.ReplaceAllString(strings.ReplaceAll(out, dir, "DIR"), "DATE")
		switch {
		case k.err == "" && (err != nil || out != k.want):
			t.Errorf("certs %s: %v\ngot:\n%s\nwant:\n%s", k.args, err, out, k.want)
		case k.err != "" && (err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), k.err)):
			t.Errorf("certs %s: %v, want %s", k.args, err, k.err)
		}
		if secret, err := os.ReadFile(filepath.Join(dir, "cluster.secret")); err == nil && strings.Contains(printed.String(), string(secret[:16])) {
			t.Errorf("certs %s printed the secret", k.args)
		}
	}
}

// What the commands make is what a process loads.
func TestIssuedCertificatesLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "certs")
	for _, args := range []string{"init", "issue --role executor --name ex-1"} {
		if _, err := certs(append(strings.Fields(args), dir)...); err != nil {
			t.Fatal(err)
		}
	}
	file := func(n string) string { return filepath.Join(dir, "nodes", "ex-1", n) }
	c, err := identity.Load(identity.Options{CA: file("ca.crt"), Cert: file("node.crt"), Key: file("node.key"), Secret: file("cluster.secret")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckBind("0.0.0.0:7077"); err != nil || c.Name() != "ex-1" || c.Cluster() != "tidemill" {
		t.Error(c, err)
	}
}
