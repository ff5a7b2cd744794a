package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/driver"
	"github.com/tidemill/tidemill/driver/config"
)

func init() { commands = append(commands, newBatches) }

func newBatches() *cobra.Command {
	c := &cobra.Command{
		Use:   "batches [flags] [job]",
		Short: "Print the latest batches of a job",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			last, err := c.Flags().GetInt("last")
			if err != nil {
				return err
			}
			if last < 1 {
				return errors.New("--last: at least 1")
			}
			json, err := c.Flags().GetBool("json")
			if err != nil {
				return err
			}
			dir, err := checkpointOf(c, args)
			if err != nil {
				return err
			}
			job := ""
			if len(args) == 1 {
				job = strings.TrimSuffix(filepath.Base(args[0]), ".go")
			}
			return driver.PrintBatches(c.OutOrStdout(), dir, job, last, json)
		},
	}
	c.Flags().String("config", "", "configuration `file` (default tidemill.yaml here)")
	c.Flags().String("checkpoint", "", settingFlags["checkpoint"])
	c.Flags().Int("last", 20, "how `many`")
	c.Flags().Bool("json", false, "as JSON, one array")
	return c
}

// checkpointOf finds the checkpoint: the flag's, the named job's, or the one that the configuration says.
func checkpointOf(c *cobra.Command, args []string) (dir string, err error) {
	if c.Flags().Changed("checkpoint") {
		return c.Flag("checkpoint").Value.String(), nil
	}
	if len(args) == 1 {
		return existing(args[0])
	}
	file := c.Flag("config").Value.String()
	if file == "" {
		file, err = config.Find(".")
	}
	if err != nil {
		return "", err
	}
	set, err := config.Load(config.Options{File: file, Environ: os.Environ()})
	if err != nil {
		return "", err
	}
	if set.Checkpoint == "" && set.Job == "" {
		return "", fmt.Errorf("which job? name one, or give --checkpoint%s", known())
	}
	return set.CheckpointDir()
}

// existing is the default checkpoint of a job that has run.
func existing(job string) (string, error) {
	dir, err := config.DefaultCheckpoint(strings.TrimSuffix(filepath.Base(job), ".go"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("job %s has no checkpoint in %s; give --checkpoint if it is elsewhere%s", job, dir, known())
	}
	return dir, nil
}

// known lists the jobs with a default checkpoint.
func known() string {
	dir, err := config.DefaultCheckpoint("x")
	if err != nil {
		return ""
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(entries) == 0 {
		return ""
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return "; jobs with one: " + strings.Join(names, ", ")
}
