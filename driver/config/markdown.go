package config

import (
	"fmt"
	"strings"
)

const intro = `# Configuration

<!-- Written by driver/config: change keys.go there, then ` + "`go test ./driver/config -rewrite`" + `. -->

A job is configured by a file, then by variables, then by flags of ` + "`driver run`" + `; the later wins. The file is the one
given with ` + "`--config`, else `tidemill.yaml`" + ` in the working directory, else beside the job. Mistakes are all reported
together, each with its line. Relative paths are relative to the working directory.

` + "```yaml" + `
interval: 500ms
memory:
  blocks: 1GiB
sources:
  ads: files:./ads?format=json
sinks:
  views: sqlite:./views.db?table=views
tables:
  campaigns:
    url: files:./campaigns.csv
    header: true
` + "```" + `

A variable is the key in upper case behind ` + "`TIDEMILL_`" + `, its levels joined by an underscore: ` + "`TIDEMILL_MEMORY_BLOCKS=1GiB`" + `.
An empty variable counts as not set.

**Sources, sinks and tables.** A value is a URL, or a mapping of ` + "`url`" + ` and parameters, which are added to the URL's query.
Names are case-sensitive. ` + "`TIDEMILL_SOURCES_ADS=…`" + ` replaces the URL of the source whose name is ads but for case (an
underscore also stands for any sign that variables cannot have), and with it its parameters; if the file has none, it
defines ` + "`ads`" + `. Sinks and tables likewise.

**Secrets.** In URLs and parameters ` + "`${env:NAME}`" + ` stands for a variable and ` + "`${file:path}`" + ` for the content of a file, looked up
when the job connects. Inside a URL they are percent-encoded, so a password may hold any character. Passwords, and
parameters whose names contain password, passwd, secret or token, are hidden wherever a URL is printed.

`

// Markdown is docs/configuration.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(intro + "| key | default | meaning | accepted |\n|---|---|---|---|\n")
	for _, table := range [][]Key{keys, endpointKeys} {
		for i := range table {
			k := &table[i]
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s, for example `%s` |\n",
				k.Display(), code(k.Default), k.Doc, k.Accepts, k.Example)
		}
	}
	return b.String()
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}
