package main

import (
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/tidemill/tidemill/cmd/crash/rig"
)

// certs are the certificates of a network's nodes, made by the command that an administrator uses.
type certs struct{ dir string }

// issue makes a CA, a secret, and a certificate for each node.
func issue(driver, dir string, g rig.Ground, executors int) (*certs, error) {
	run := func(args ...string) error {
		out, err := exec.Command(driver, append([]string{"certs"}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("driver certs %s: %w: %s", args[0], err, out)
		}
		return nil
	}
	if err := run("init", dir); err != nil {
		return nil, err
	}
	c := &certs{dir}
	for i := range executors + 1 {
		role := "executor"
		if i == 0 {
			role = "driver"
		}
		if err := run("issue", dir, "--role", role, "--name", c.name(i), "--host", g.Control(i)+","+g.Gossip(i)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *certs) name(node int) string {
	if node == 0 {
		return "driver"
	}
	return fmt.Sprintf("ex-%d", node)
}

// flags say where a node's certificate is.
func (c *certs) flags(node int) []string {
	dir := filepath.Join(c.dir, "nodes", c.name(node))
	return []string{"--ca", filepath.Join(dir, "ca.crt"), "--cert", filepath.Join(dir, "node.crt"), "--key", filepath.Join(dir, "node.key"),
		"--secret", filepath.Join(dir, "cluster.secret")}
}
