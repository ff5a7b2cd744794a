// Package config is what a user can set: tidemill.yaml, then TIDEMILL_* variables, then flags, the later winning.
//
// One table, [Keys], holds every key with its default, its documentation, an example and its check. From it come the
// defaults, the messages about mistakes, the output of `driver config` and docs/configuration.md.
//
//	c, err := config.Load(config.Options{File: "tidemill.yaml", Environ: os.Environ()})
//	url, err := c.Sources["ads"].Resolve()
//
// Contract:
//   - [Load] reports every mistake of every layer together, each with the file and line (or the variable, or the flag)
//     it stands in, what is accepted, and an example. It never panics, whatever the bytes.
//   - A [Config] from Load is complete: every field has its default, and every value has passed its check.
//   - Names of sources, sinks and tables keep their case. They and all line numbers come from a strict pass over the
//     YAML nodes of our own, because viper folds case and drops positions; viper layers and decodes the rest.
//   - Secrets stay references (${env:NAME}, ${file:path}) until [Endpoint.Resolve]. Whoever prints a URL prints
//     [Redact] of it.
//
// The package also defines [Start], the facts that `driver run` hands to a job's binary beside its settings.
//
// It does not look up schemes, create directories, or watch for changes: a job reads its configuration once.
package config
