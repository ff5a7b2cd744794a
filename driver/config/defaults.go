package config

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// parseDefault is the typed default of a key. A text without a default is empty; its check is not asked.
func parseDefault(k *Key) (any, error) {
	if k.Default == "" {
		return "", nil
	}
	v, err := k.parse(k.Default)
	if err != nil {
		return nil, fmt.Errorf("default of %s: %w", k.Name, err)
	}
	return v, nil
}

// fill sets the defaults that depend on the machine.
func (c *Config) fill() (err error) {
	if c.Parallelism == 0 {
		c.Parallelism = runtime.GOMAXPROCS(0)
	}
	if c.Scratch == "" {
		c.Scratch, err = filepath.Abs(os.TempDir())
	}
	return err
}
