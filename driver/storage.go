package driver

import (
	"context"
	"path/filepath"

	"github.com/tidemill/tidemill/driver/batchlog"
	"github.com/tidemill/tidemill/driver/store"
	_ "github.com/tidemill/tidemill/driver/store/cassandra" // checkpoints at cassandra://
)

// openStorage opens the checkpoint of a job by its path or URL.
func openStorage(ctx context.Context, checkpoint, job string, readOnly bool) (store.Store, error) {
	return store.Open(ctx, checkpoint, store.OpenOptions{ReadOnly: readOnly, Job: job})
}

// logOptions keeps the segments of a batch log small where all lie in one partition: a directory has no such limit.
func logOptions(checkpoint string) batchlog.Options {
	if _, local := store.Local(checkpoint); local {
		return batchlog.Options{}
	}
	return batchlog.Options{SegmentSize: 16 << 20}
}

// receiversDir is where connectors may keep files of a job on this machine: with the checkpoint, or else with what is only scratch.
func receiversDir(checkpoint, scratch string) string {
	if dir, local := store.Local(checkpoint); local {
		return filepath.Join(dir, "receivers")
	}
	return filepath.Join(scratch, "receivers")
}
