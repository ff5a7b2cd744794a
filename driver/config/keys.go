package config

import "slices"

// Key describes one setting. The table of them is the only place where a default is written down.
type Key struct {
	// Name is the path in the file, levels joined by "::" as viper needs it: "memory::blocks".
	Name string
	// Default is written as a user would write it; "" when there is none or Doc says what it is.
	Default string
	// Doc is one or two sentences: what it is, the unit, and what breaks when it is wrong.
	Doc string
	// Accepts says what values are good, for messages and the manual.
	Accepts string
	// Example is a good value, other than the default where that helps.
	Example string

	// parse turns text into what viper hands to Config. Its error says what is wrong with the text and no more.
	parse func(text string) (any, error)
	// yaml lists the tags a value may have in the file; a string is also good for a number of bytes or a duration,
	// since those have units.
	yaml []string
}

// Display is the name as people write it: "memory.blocks".
func (k *Key) Display() string { return display(k.Name) }

// Env is [EnvName] of the key.
func (k *Key) Env() string { return EnvName(k.Name) }

// Keys is every setting but the three maps (see [Maps]), in the order of the manual.
func Keys() []Key { return slices.Clone(keys) }

// Maps describes the settings whose keys are names of the user's own: sources, sinks and tables.
func Maps() []Key { return slices.Clone(endpointKeys) }

var (
	text    = []string{"!!str"}
	number  = []string{"!!int"}
	truth   = []string{"!!bool"}
	literal = []string{"!!str", "!!int", "!!float"} // so that `interval: 500` is answered by the parser, not as a type
)

const (
	acceptsCount = "a whole number, 0 for no limit"
	acceptsBytes = "bytes with a unit (KiB, MiB, GiB), "
	acceptsTime  = "a duration with a unit (ms, s, m, h), "
)

var keys = []Key{
	{"job", "", "The job's name in reports, state and the default checkpoint. Unless set, the name in the job's code, else the name of its file. Renaming a job makes it start from nothing.",
		"letters, digits, - _ and . (not first), at most 100", "adcampaigns", parseJob, text},
	{"interval", "1s", "How often a batch starts. Wins over the interval in the job's code. If batches take longer than this, they queue and fall behind.",
		acceptsTime + "1ms to 24h", "500ms", duration("1ms", "24h"), literal},
	{"checkpoint", "", "Where the batch log and the state are kept: a directory on a disk that keeps what was synced, one that several machines see (file:///dir?shared=true), or Cassandra (cassandra://host,host/keyspace; with ?replication=3 the keyspace is made if it is missing). Unless set, $XDG_STATE_HOME/tidemill/<job>, else ~/.local/state/tidemill/<job>.",
		"a directory, or the URL of a store", "/var/lib/tidemill/adcampaigns", parseCheckpoint, text},
	{"parallelism", "0", "How many tasks run at once. 0 means as many as there are cores (GOMAXPROCS). More than that only adds memory.",
		"0 to 4096", "4", integer(0, 4096), number},
	{"ui", "127.0.0.1:4040", "The address of the status page, its API and /metrics; off for none. Only loopback addresses: this version has no TLS.",
		"a loopback host:port, or off", "127.0.0.1:4041", parseUI, text},
	{"dead_letters", "", "Where records that cannot be read go, with the reason. Unless set, such a record fails its batch.",
		"the URL of a sink", "deadletter:./rejected", parseURL, text},
	{"cluster::address", "", "Executors that do the work: one of them is enough, it knows the others. Unless set, the job runs in one process on this machine.",
		"host:port, several by commas", "10.0.0.1:7077", parseAddresses, text},
	{"cluster::executors", "0", "How many executors are used; 0 means all there are. `driver scale` changes it while the job runs.",
		"0 to 10000", "3", integer(0, 10_000), number},
	{"cluster::ca", "", "The file with the cluster's certificate authority (PEM); `driver certs` makes it. ca, cert and key belong together. Unless set, only executors on this machine can be used.",
		"a file", "/etc/tidemill/ca.pem", parsePath, text},
	{"cluster::cert", "", "The file with the certificate that the driver shows (PEM).", "a file", "/etc/tidemill/driver.pem", parsePath, text},
	{"cluster::key", "", "The file with the private key of that certificate (PEM).", "a file", "/etc/tidemill/driver.key", parsePath, text},
	{"cluster::secret", "", "The file with the cluster's secret, which encrypts how its members find each other.", "a file", "/etc/tidemill/secret", parsePath, text},
	{"limits::rows_per_batch", "0", "The most rows of one batch, over all sources. 0 means no limit.",
		acceptsCount, "1000000", integer(0, 1<<53), number},
	{"limits::bytes_per_batch", "256MiB", "The most bytes of input of one batch, over all sources; 0 means no limit. Without one, the first batch after a long stop takes everything that has piled up.",
		acceptsBytes + "or 0 for no limit", "64MiB", amount(0), literal},
	{"rate::control", "true", "Whether the engine finds out how many rows a batch may have so that it is done within the interval. Without it, only limits.* hold.",
		"true or false", "false", boolean, truth},
	{"rate::initial", "100000", "The rate of a job's first batch, in rows per second, over all sources; from there it doubles or halves. Too high, and the first batch is long.",
		"1 to 1000000000000", "20000", integer(1, 1e12), number},
	{"rate::target", "0.9", "The share of the interval that a batch may take. The rest absorbs noise: at 1, every second batch is late.",
		"0.1 to 1", "0.8", fraction(0.1, 1), literal},
	{"memory::blocks", "256MiB", "The memory for shuffled and cached blocks. What does not fit is spilled to the scratch directory.",
		acceptsBytes + "at least 1MiB", "1GiB", amount(1 << 20), literal},
	{"scratch", "", "The directory for spilled blocks, emptied at will. Unless set, the system's temporary directory. If it fills up, the batch fails.",
		"a directory", "/mnt/fast/tidemill", parseDirectory, text},
	{"chunk_rows", "4096", "How many rows are computed at a time. Small chunks cost time, large ones fall out of the processor's cache.",
		"1024 to 65536", "8192", integer(1024, 65536), number},
	{"key_groups", "1024", "The slices of the key space, and so the most partitions that keyed state can ever have: a power of two. A checkpoint keeps the number it was made with.",
		"a power of two from 16 to 65536", "4096", powerOfTwo(16, 65536), number},
	{"retries", "4", "How often a failed task is tried again before its batch fails and the job stops.",
		"0 to 100", "10", integer(0, 100), number},
	{"grace", "30s", "How long a stopping job may take to finish its batch. A batch cut short runs again at the next start.",
		acceptsTime + "0s to 24h", "2m", duration("0s", "24h"), literal},
	{"keep_batches", "1000", "How many batch reports the status page, its API and `driver batches` remember.",
		"1 to 1000000", "10000", integer(1, 1_000_000), number},
	{"max_batches", "0", "Stop after so many batches; 0 means never. For tests and demonstrations.",
		acceptsCount, "100", integer(0, 1<<53), number},
	{"stop_after", "0s", "Stop after so much time; 0s means never. For tests and demonstrations.",
		acceptsTime + "0s to 8760h", "30s", duration("0s", "8760h"), literal},
	{"log::format", "text", "How log lines are written.", "text or json", "json", choice("text", "json"), text},
	{"log::level", "info", "The least that is logged.", "debug, info, warn or error", "debug",
		choice("debug", "info", "warn", "error"), text},
	{"gogc", "200", "The garbage collector's target, in percent of the live memory; 0 leaves Go's own setting (GOGC) alone. Low values cost throughput, high ones memory.",
		"0, or 10 to 10000", "100", parseGOGC, number},
}

var endpointKeys = []Key{
	{"sources", "", "Where the job's sources are: a name to a URL, or to a mapping of url and parameters.",
		"names to URLs", "ads: files:./ads?format=json", parseURL, text},
	{"sinks", "", "Where the job's sinks are, likewise.", "names to URLs", "views: sqlite:./views.db?table=views", parseURL, text},
	{"tables", "", "Where the job's tables are, likewise.", "names to URLs", "campaigns: files:./campaigns.csv", parseURL, text},
}
