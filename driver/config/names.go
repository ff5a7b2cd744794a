package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// delimiter joins the levels of a key, as viper is told: a dot would split parameter names such as fetch.min.bytes.
const delimiter = "::"

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + delimiter + name
}

func display(path string) string { return strings.ReplaceAll(path, delimiter, ".") }

// EnvName is the variable that sets the key: TIDEMILL_MEMORY_BLOCKS for "memory::blocks".
func EnvName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, delimiter, "_"))
}

func findKey(name string) *Key { return find(keys, name) }
func findMap(name string) *Key { return find(endpointKeys, name) }

func find(in []Key, name string) *Key {
	for i := range in {
		if in[i].Name == name {
			return &in[i]
		}
	}
	return nil
}

// isSection reports whether keys stand below name.
func isSection(name string) bool { return sampleKey(name) != nil }

func sampleKey(section string) *Key {
	for i := range keys {
		if strings.HasPrefix(keys[i].Name, section+delimiter) {
			return &keys[i]
		}
	}
	return nil
}

// allNames is what a user may write, for suggestions.
func allNames() []string {
	var all []string
	for _, table := range [][]Key{keys, endpointKeys} {
		for i := range table {
			all = append(all, table[i].Display())
			if section, _, nested := strings.Cut(table[i].Name, delimiter); nested {
				all = append(all, section)
			}
		}
	}
	return all
}

// sample is something good to write below path.
func sample(path string) string {
	if k := findMap(path); k != nil {
		return k.Example
	}
	if k := sampleKey(path); k != nil && path != "" {
		_, leaf, _ := strings.Cut(k.Name, delimiter)
		return leaf + ": " + k.Example
	}
	if path == "" {
		return "interval: 500ms"
	}
	return "url: files:./ads"
}

func expected(k *Key) string {
	if k.yaml[0] == "!!int" {
		return "a whole number"
	}
	return "a single value"
}

// kind names what a node is in a reader's words, without its content, which may be a secret.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return "the number " + n.Value
	case n.Tag == "!!bool":
		return "the boolean " + n.Value
	case n.Tag == "!!null":
		return "nothing"
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return "a text in quotes"
	}
	return "a text"
}

// follow gives what an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}
