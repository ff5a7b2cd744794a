package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"
)

// FileName is the configuration file that is looked for when none is named.
const FileName = "tidemill.yaml"

// Options says where settings come from.
type Options struct {
	// File is the configuration file; it must exist. "" means none; see [Find].
	File string
	// Environ is the environment as os.Environ gives it; variables without the prefix TIDEMILL_ are passed over. nil
	// means none.
	Environ []string
	// Flags is what the command line sets, by key name ("interval", "memory::blocks"). nil means nothing.
	Flags map[string]string
	// JobFile names the job when no setting does; "" leaves that to the caller.
	JobFile string
}

// Load reads every layer and merges them: defaults, file, environment, flags, in rising order. If anything is wrong, the
// error is [Mistakes] with all of it, or an error of reading the file.
func Load(o Options) (*Config, error) {
	file := newLayer()
	if o.File != "" {
		var err error
		if file, err = readFile(o.File); err != nil {
			return nil, err
		}
	}
	layers := []*layer{file, readEnv(o.Environ, file.ends), readFlags(o.Flags)}
	var wrong Mistakes
	for _, l := range layers {
		wrong = append(wrong, l.mistakes...)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	c, err := merge(layers)
	if err == nil && c.Job == "" {
		c.Job = o.JobFile
	}
	return c, err
}

// Find is the first folder's tidemill.yaml that exists, or "". An error says that one is there and cannot be read.
func Find(folders ...string) (string, error) {
	for _, d := range folders {
		path := filepath.Join(d, FileName)
		_, err := os.Stat(path)
		if err == nil {
			return path, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for the configuration: %w", err)
		}
	}
	return "", nil
}

func readFlags(flags map[string]string) *layer {
	l := newLayer()
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if k := findKey(name); k != nil {
			l.set(flagOf(name), k, flags[name])
		} else {
			l.mistake("--"+display(name), "", "no such setting; `driver config` lists those there are")
		}
	}
	return l
}

// flagOf is the flag of a key. Those of the section cluster stand alone; the address is the cluster.
func flagOf(name string) string {
	if leaf, ok := strings.CutPrefix(name, "cluster"+delimiter); ok && leaf == "address" {
		return "--cluster"
	} else if ok {
		return "--" + leaf
	}
	return "--" + display(name)
}

// merge lets viper lay the checked values over the defaults and decode them. What it does not know is our own bug.
func merge(layers []*layer) (*Config, error) {
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	for i := range keys {
		d, err := parseDefault(&keys[i])
		if err != nil {
			return nil, err
		}
		v.SetDefault(keys[i].Name, d)
	}
	c := &Config{Origins: map[string]string{}}
	c.Sources, c.Sinks, c.Tables = map[string]Endpoint{}, map[string]Endpoint{}, map[string]Endpoint{}
	for _, l := range layers {
		for name, value := range l.values {
			v.Set(name, value)
		}
		maps.Copy(c.Sources, l.ends["sources"])
		maps.Copy(c.Sinks, l.ends["sinks"])
		maps.Copy(c.Tables, l.ends["tables"])
		maps.Copy(c.Origins, l.origins)
	}
	if err := v.UnmarshalExact(c); err != nil {
		return nil, fmt.Errorf("decode the configuration: %w", err)
	}
	return c, c.fill()
}
