//go:build !linux

package store

import (
	"errors"
	"os"
)

// Without flock the heartbeat alone keeps two drivers apart.
func flock(*os.File) error           { return errors.ErrUnsupported }
func allocate(*os.File, int64) error { return errors.ErrUnsupported }
