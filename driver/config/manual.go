package config

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Print writes every key with its default and documentation, for a terminal.
func Print(w io.Writer) error {
	for _, table := range [][]Key{keys, endpointKeys} {
		for i := range table {
			k := &table[i]
			if _, err := fmt.Fprintf(w, "%s\n", head(k)); err != nil {
				return err
			}
			for _, line := range wrap(k.Doc, 96) {
				fmt.Fprintf(w, "    %s\n", line)
			}
			t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
			fmt.Fprintf(t, "    accepted:\t%s\n    example:\t%s\n    variable:\t%s\n\n", k.Accepts, k.Example, variable(k))
			if err := t.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func head(k *Key) string {
	if k.Default == "" {
		return k.Display()
	}
	return k.Display() + " = " + k.Default
}

func variable(k *Key) string {
	if findMap(k.Name) != nil {
		return k.Env() + "_<NAME>"
	}
	return k.Env()
}

// wrap breaks s at spaces into lines of at most width bytes, a longer word on a line of its own.
func wrap(s string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
