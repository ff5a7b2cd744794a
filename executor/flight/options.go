package flight

import "time"

// Options are settings of a server or a client. All zero is valid.
type Options struct {
	// Streams bounds the calls that a server serves at the same time; default 512. Each holds up to two mebibytes or one chunk, whichever
	// is larger. Who comes when all are taken waits for as long as Stall, and is refused then.
	Streams int
	// Current says which incarnation of the worker a server stands for: tickets of others are refused. nil leaves that to Blocks.
	Current func() uint64
	// Stall is how long a client waits for a connection, or for the next bytes, before it gives a peer up; default 10 s.
	Stall time.Duration
	// Window is how many bytes a sender may be ahead of its reader in each stream, at least 64 KiB, which is the default. Each stream
	// that is open and not read holds so much of the client's memory.
	Window int32
	// ChunkBytes bounds one encoded chunk; default 512 MiB. Memory is taken only as bytes arrive.
	ChunkBytes int64
}

func (o Options) withDefaults() Options {
	if o.Streams <= 0 {
		o.Streams = 512
	}
	if o.Stall <= 0 {
		o.Stall = 10 * time.Second
	}
	o.Window = max(o.Window, 64<<10)
	if o.ChunkBytes <= 0 {
		o.ChunkBytes = 512 << 20
	}
	return o
}
