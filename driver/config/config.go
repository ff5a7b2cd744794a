package config

import (
	"os"
	"path/filepath"
	"time"
)

// Config is a job's settings, complete and checked. Build one with [Load].
type Config struct {
	// Job names the job in reports, state and the default checkpoint. Default: the name set in the job's code, else
	// the name of its file. Load leaves it empty when neither Options.JobFile nor a setting gives one. Renaming a job
	// makes it start from nothing, unless checkpoint is set.
	Job string `mapstructure:"job"`
	// Interval is how often a batch starts. Default 1s, 1ms to 24h. Too short, and batches queue behind each other.
	// A job's code may set its own; it counts only while [Config.IsSet]("interval") is false.
	Interval time.Duration `mapstructure:"interval"`
	// Checkpoint is the directory of the batch log and the state, absolute, or a URL: file:///dir?shared=true for a directory that several
	// machines see, cassandra://hosts/keyspace. Default: [DefaultCheckpoint] of Job,
	// resolved by [Config.CheckpointDir]; empty here means the default. On a disk that loses writes, batches repeat.
	Checkpoint string `mapstructure:"checkpoint"`
	// Parallelism is the number of tasks that run at once. Default GOMAXPROCS, 1 to 4096. More than the cores only
	// adds memory.
	Parallelism int `mapstructure:"parallelism"`
	// UI is the loopback address (host:port) of the page, API and metrics; "" means none. Default 127.0.0.1:4040.
	UI string `mapstructure:"ui"`

	// Sources, Sinks and Tables say where the names that a job uses are. Names are case-sensitive. Never nil.
	Sources map[string]Endpoint `mapstructure:"-"`
	Sinks   map[string]Endpoint `mapstructure:"-"`
	Tables  map[string]Endpoint `mapstructure:"-"`
	// DeadLetters is the URL of the sink for records that cannot be read, with references unresolved: pass it through
	// Endpoint{URL: …}.Resolve. Empty, the default: a bad record fails the batch.
	DeadLetters string `mapstructure:"dead_letters"`

	// Cluster says where the work is done.
	Cluster Cluster `mapstructure:"cluster"`

	// Limits bounds one batch.
	Limits Limits `mapstructure:"limits"`
	// Rate is the rate controller, which finds the limit that the machine can keep up with.
	Rate Rate `mapstructure:"rate"`
	// Memory bounds what is kept in memory.
	Memory Memory `mapstructure:"memory"`
	// Scratch is the directory for spilled blocks, absolute; emptied at will. Default: the system's temporary folder.
	Scratch string `mapstructure:"scratch"`
	// ChunkRows is how many rows a chunk holds. Default 4096, 1024 to 65536. Small ones cost time, large ones cache.
	ChunkRows int `mapstructure:"chunk_rows"`
	// KeyGroups is the number of slices of the key space, the most partitions that keyed state can ever have. Default
	// 1024, a power of two from 16 to 65536. A checkpoint keeps the number it was made with.
	KeyGroups int `mapstructure:"key_groups"`

	// Retries is how often a failed task is tried again before its batch fails. Default 4, 0 to 100.
	Retries int `mapstructure:"retries"`
	// Grace is how long a stopping job may take to finish its batch. Default 30s, 0 to 24h. A batch cut short runs
	// again at the next start.
	Grace time.Duration `mapstructure:"grace"`
	// KeepBatches is how many batch reports the page, API and `driver batches` remember. Default 1000, 1 to 1000000.
	KeepBatches int `mapstructure:"keep_batches"`
	// MaxBatches stops the job after so many batches; 0, the default, never. For tests and demonstrations.
	MaxBatches int64 `mapstructure:"max_batches"`
	// StopAfter stops the job after so much time; 0, the default, never. For tests and demonstrations.
	StopAfter time.Duration `mapstructure:"stop_after"`

	// Log says what is logged and how.
	Log Log `mapstructure:"log"`
	// GOGC is the garbage collector's target in percent. Default 200, 10 to 10000; 0 leaves Go's own setting alone.
	// Low values cost throughput, high ones memory.
	GOGC int `mapstructure:"gogc"`

	// Origins says for every key that was set, where: "tidemill.yaml:3", "TIDEMILL_UI", "--ui".
	Origins map[string]string `mapstructure:"-"`
}

// Limits bounds one batch, over all its sources together. 0 means no limit.
type Limits struct {
	// RowsPerBatch is the most rows of a batch. Default 0.
	RowsPerBatch int64 `mapstructure:"rows_per_batch"`
	// BytesPerBatch is the most bytes of input of a batch. Default 256MiB. Without one, the first batch after a long
	// stop takes everything that has piled up.
	BytesPerBatch Bytes `mapstructure:"bytes_per_batch"`
}

// Rate says how the rate controller chooses how many rows a batch may have, within [Limits].
type Rate struct {
	// Control is whether it does. Default true. Without it, only Limits hold.
	Control bool `mapstructure:"control"`
	// Initial is the rate of a job's first batch, in rows per second, 1 to 1e12. Default 100,000. Too high, and the first
	// batch is long; too low, and it takes a few batches more until the machine is busy.
	Initial int64 `mapstructure:"initial"`
	// Target is the share of the interval that a batch may take, 0.1 to 1. Default 0.9. The rest absorbs noise.
	Target float64 `mapstructure:"target"`
}

// Memory bounds what is kept in memory.
type Memory struct {
	// Blocks is the size of the block store. Default 256MiB, at least 1MiB. What does not fit is spilled to Scratch.
	Blocks Bytes `mapstructure:"blocks"`
}

// Log says what is logged and how.
type Log struct {
	// Format is text or json. Default text.
	Format string `mapstructure:"format"`
	// Level is debug, info, warn or error: the least that is logged. Default info.
	Level string `mapstructure:"level"`
}

// IsSet reports whether the key, spelled as in [Keys], was set by the file, the environment or a flag.
func (c *Config) IsSet(key string) bool { _, ok := c.Origins[key]; return ok }

// CheckpointDir is the directory of the checkpoint, absolute: Checkpoint, else [DefaultCheckpoint] of the job. Call it
// after Job is known.
func (c *Config) CheckpointDir() (string, error) {
	if c.Checkpoint != "" {
		return c.Checkpoint, nil
	}
	return DefaultCheckpoint(c.Job)
}

// DefaultCheckpoint is where a job keeps its checkpoint unless told otherwise: <state>/tidemill/<job>, where <state> is
// $XDG_STATE_HOME or ~/.local/state. An error says that the name is no job's name or that there is no home folder.
func DefaultCheckpoint(job string) (string, error) {
	if err := CheckJob(job); err != nil {
		return "", err
	}
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) { // the XDG specification: a relative path is to be ignored
		home, err := os.UserHomeDir()
		if err != nil {
			return "", &noHomeError{err}
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "tidemill", job), nil
}

type noHomeError struct{ err error }

func (e *noHomeError) Error() string {
	return "find the folder for the checkpoint: " + e.err.Error() + "; set checkpoint to a directory"
}
func (e *noHomeError) Unwrap() error { return e.err }
