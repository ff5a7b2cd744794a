package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration; a longer one is some other file.
const maxFile = 1 << 20

// layer is what one of file, environment and flags sets, and what is wrong with it.
type layer struct {
	values   map[string]any    // by Key.Name, already parsed
	origins  map[string]string // by Key.Name or "sources::ads"
	ends     map[string]map[string]Endpoint
	mistakes Mistakes
}

func newLayer() *layer {
	l := &layer{values: map[string]any{}, origins: map[string]string{}, ends: map[string]map[string]Endpoint{}}
	for i := range endpointKeys {
		l.ends[endpointKeys[i].Name] = map[string]Endpoint{}
	}
	return l
}

// set parses text as the value of k and keeps it, or the mistake.
func (l *layer) set(where string, k *Key, text string) {
	v, err := k.parse(text)
	if err != nil {
		l.mistakes = append(l.mistakes, wrong(where, k, err))
		return
	}
	l.values[k.Name], l.origins[k.Name] = v, where
}

func (l *layer) mistake(where, key, format string, args ...any) {
	l.mistakes = append(l.mistakes, Mistake{where, key, fmt.Sprintf(format, args...)})
}

// readFile is the layer of the file. An error is one of reading; what it says wrongly are mistakes.
func readFile(path string) (*layer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("read the configuration: %s is over 1 MiB: that is not a configuration", path)
	}
	return readYAML(path, b), nil
}

func readYAML(name string, b []byte) *layer {
	l := newLayer()
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return l
	} else if err != nil {
		l.syntax(name, err)
		return l
	}
	if err := d.Decode(&more); err == nil {
		l.mistake(at(name, &more), "", "a second document begins here; write one")
	} else if !errors.Is(err, io.EOF) {
		l.syntax(name, err)
	}
	f := fileReader{layer: l, name: name}
	f.level("", doc.Content[0])
	return l
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax keeps the parser's error as a mistake, its line where ours stand.
func (l *layer) syntax(name string, err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		l.mistake(name, "", "not YAML: %v", err)
		return
	}
	if m[1] != "" {
		name += ":" + m[1]
	}
	l.mistake(name, "", "not YAML: %s", err.Error()[len(m[0]):])
}

func at(name string, n *yaml.Node) string { return name + ":" + strconv.Itoa(n.Line) }

// fileReader walks the nodes. The depth of its walk is that of the key table, whatever the file nests.
type fileReader struct {
	*layer
	name string
}

// entries yields key and value of each pair of a mapping, aliases followed once. Other nodes and repeated keys become
// mistakes.
func (f *fileReader) entries(path string, n *yaml.Node, yield func(key, value *yaml.Node)) {
	n = follow(n)
	if n.Tag == "!!null" { // an empty section keeps its defaults
		return
	}
	if n.Kind != yaml.MappingNode {
		f.mistake(at(f.name, n), display(path), "%s where names and values are expected, for example %s", kind(n), sample(path))
		return
	}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], follow(n.Content[i+1])
		if line, twice := first[key.Value]; twice {
			f.mistake(at(f.name, key), display(join(path, key.Value)), "listed twice, first on line %d; keep one", line)
			continue
		}
		first[key.Value] = key.Line
		yield(key, value)
	}
}

// level reads the mapping at path, which is "" or a section such as "memory".
func (f *fileReader) level(path string, n *yaml.Node) {
	f.entries(path, n, func(key, value *yaml.Node) {
		name := join(path, key.Value)
		switch k := findKey(name); {
		case key.Kind != yaml.ScalarNode:
			f.mistake(at(f.name, key), display(path), "a name is expected here, not %s", kind(key))
		case k != nil:
			f.scalar(at(f.name, value), k, value)
		case findMap(name) != nil:
			f.endpoints(findMap(name), value)
		case path == "" && isSection(name):
			f.level(name, value)
		default:
			f.unknown(key, name)
		}
	})
}

func (f *fileReader) unknown(key *yaml.Node, name string) {
	where := at(f.name, key)
	if k := findKey(strings.ReplaceAll(name, ".", "::")); k != nil && strings.Contains(name, ".") {
		section, leaf, _ := strings.Cut(k.Name, "::")
		f.mistake(where, display(name), "unknown key; write %s: and below it, indented, %s:", section, leaf)
		return
	}
	if near := Nearest(display(name), allNames()); near != "" {
		f.mistake(where, display(name), "unknown key; did you mean %s?", near)
		return
	}
	f.mistake(where, display(name), "unknown key; `driver config` lists those there are")
}

// scalar reads one value. A key without a value keeps its default, as an empty section does.
func (f *fileReader) scalar(where string, k *Key, n *yaml.Node) {
	if n.Tag == "!!null" {
		return
	}
	if n.Kind != yaml.ScalarNode || !slices.Contains(k.yaml, n.Tag) {
		f.mistakes = append(f.mistakes, wrong(where, k, fmt.Errorf("%s, where %s is expected", kind(n), expected(k))))
		return
	}
	f.set(where, k, n.Value)
}

// endpoints reads sources, sinks or tables.
func (f *fileReader) endpoints(k *Key, n *yaml.Node) {
	f.entries(k.Name, n, func(key, value *yaml.Node) {
		where, name := at(f.name, key), join(k.Name, key.Value)
		e, ok := Endpoint{}, false
		switch {
		case key.Kind != yaml.ScalarNode || key.Value == "":
			f.mistake(where, k.Name, "a name is expected here, for example %s", k.Example)
		case value.Kind == yaml.MappingNode:
			e, ok = f.endpoint(name, value)
		default:
			e.URL, ok = f.text(name, value)
		}
		if ok && f.checkURL(where, name, k, e.URL) {
			f.ends[k.Name][key.Value], f.origins[name] = e, where
		}
	})
}

// endpoint reads the long form: url and parameters.
func (f *fileReader) endpoint(name string, n *yaml.Node) (e Endpoint, ok bool) {
	before := len(f.mistakes)
	e.Params = map[string]string{}
	f.entries(name, n, func(key, value *yaml.Node) {
		if v, ok := f.text(join(name, key.Value), value); ok && key.Value == "url" {
			e.URL = v
		} else if ok {
			e.Params[key.Value] = v
		}
	})
	return e, len(f.mistakes) == before
}

// text reads a scalar of any type as it is written.
func (f *fileReader) text(name string, n *yaml.Node) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		f.mistake(at(f.name, n), display(name), "%s where a text is expected", kind(n))
		return "", false
	}
	return n.Value, true
}

// checkURL keeps the mistake if u is not good as the URL of an endpoint.
func (l *layer) checkURL(where, name string, k *Key, u string) bool {
	if _, err := parseURL(u); err != nil {
		l.mistake(where, display(name), "%v; write a URL, for example %s", err, k.Example)
		return false
	}
	if u == "" {
		l.mistake(where, display(name), "no url; write one, for example %s", k.Example)
		return false
	}
	return true
}
