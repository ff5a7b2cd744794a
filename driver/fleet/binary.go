package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/node"
)

// uploads is how many executors receive a binary at a time: more would only share the driver's network, and the first would start later.
const uploads = 4

// Binary is an executable as executors know it: by its digest.
type Binary struct {
	Path   string
	SHA256 string // in hex
	Size   int64
}

// ReadBinary computes the digest of an executable.
func ReadBinary(path string) (Binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return Binary{}, fmt.Errorf("read the job's binary: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return Binary{}, fmt.Errorf("read the job's binary: %w", err)
	}
	return Binary{path, hex.EncodeToString(h.Sum(nil)), n}, nil
}

// Give gives the binary to an executor (a *node.Client), unless it is there. c signs it; nil signs nothing.
func (b Binary) Give(ctx context.Context, to Shelf, job string, c *identity.Credentials) error {
	has, err := to.Has(ctx, b.SHA256)
	if err != nil {
		return fmt.Errorf("ask for the job's binary: %w", err)
	}
	if has {
		return nil
	}
	return b.put(ctx, to, job, c)
}

func (b Binary) put(ctx context.Context, to Shelf, job string, c *identity.Credentials) error {
	f, err := os.Open(b.Path)
	if err != nil {
		return fmt.Errorf("send the job's binary: %w", err)
	}
	defer f.Close()
	signed, err := c.Sign(identity.Manifest{Job: job, SHA256: b.SHA256, Size: b.Size, OS: runtime.GOOS, Arch: runtime.GOARCH, Engine: node.Engine})
	if err != nil {
		return fmt.Errorf("sign the job's binary: %w", err)
	}
	if err := to.Put(ctx, signed, f); err != nil {
		return fmt.Errorf("send the job's binary (%d MB): %w", b.Size>>20, err)
	}
	return nil
}
