//go:build !linux

package netns

import "fmt"

// Network cannot be made here.
type Network struct{}

// Available is never nil.
func Available() error { return fmt.Errorf("%w: only Linux has them", ErrUnavailable) }

// New fails.
func New(int) (*Network, error) { return nil, Available() }

// Enter fails.
func (*Network) Enter(int, func() error) error { return Available() }

// Cut fails.
func (*Network) Cut(int, int, Plane) error { return Available() }

// Heal fails.
func (*Network) Heal() error { return Available() }

// Close does nothing.
func (*Network) Close() error { return nil }
