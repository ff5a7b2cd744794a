package cassandra

// tables are the names of the tables of checkpoints, with their keyspace.
//
// files is written with conditions only, so that all its changes are in one
// order, that of Paxos: a plain write beside one with a condition may be lost.
// Its partitions are folders. In each, area 0 has the entries, area 1 the bytes
// of logs whose every append is checked, by their offset, and area 2 what is not
// finished. chunks and beats are written without conditions.
type tables struct{ files, chunks, beats string }

var tableNames = []string{"tidemill_chunks", "tidemill_beats", "tidemill_files"}

func tablesIn(keyspace string) tables {
	return tables{keyspace + ".tidemill_files", keyspace + ".tidemill_chunks", keyspace + ".tidemill_beats"}
}

// Areas of a folder.
const (
	areaEntries = 0
	areaRows    = 1
	areaPending = 2
)

// ddl are the statements that make the tables. Deletions are kept for three
// hours, as long as a node that is away is sent later what it missed: listings
// pass over them, and a node that was away for longer has to be repaired anyway.
func (t tables) ddl() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS ` + t.chunks + ` (id blob, bucket int, at bigint, size int, body blob, PRIMARY KEY ((id, bucket), at))
			WITH gc_grace_seconds = 10800 AND caching = {'keys': 'ALL', 'rows_per_partition': 'NONE'}
			AND comment = 'contents of the files of checkpoints of Tidemill'`,
		`CREATE TABLE IF NOT EXISTS ` + t.beats + ` (checkpoint text, name text, body blob, PRIMARY KEY (checkpoint, name))
			WITH comment = 'heartbeats of drivers of Tidemill'`,
		`CREATE TABLE IF NOT EXISTS ` + t.files + ` (checkpoint text, folder text, area tinyint, name text, at bigint,
			fence bigint static, writer blob, kind tinyint, id blob, size bigint, body blob,
			PRIMARY KEY ((checkpoint, folder), area, name, at))
			WITH gc_grace_seconds = 10800 AND memtable_flush_period_in_ms = 3600000
			AND compaction = {'class': 'SizeTieredCompactionStrategy', 'tombstone_compaction_interval': 10800, 'unchecked_tombstone_compaction': true}
			AND comment = 'checkpoints of Tidemill; never write to it by hand'`,
	}
}

// statement is a text with values. There are few texts: each is prepared once.
type statement struct {
	text string
	args []any
}

// Kinds of entries, and of what is pending.
const (
	kindFile    = 1 // its content is in the entry or, if it has an id, in chunks
	kindLog     = 2 // its content is in chunks, and grows
	kindRows    = 3 // its content is in rows of this partition, and grows
	kindOpen    = 4 // pending: the chunks are being written
	kindGarbage = 5 // pending: the chunks are to go
	kindTorso   = 6 // pending: rows of a log that has no entry yet
)

// entry is a row of area 0.
type entry struct {
	writer []byte // new with each change: what a condition asks for, nil = there is no entry
	kind   int8
	id     []byte
	size   int64
	body   []byte
}

// guard is the condition on the epoch that a change carries, if any.
type guard struct {
	on    bool
	epoch *int64 // nil: no driver ever fenced the folder
}

func (g guard) args() []any {
	if g.on {
		return []any{g.epoch}
	}
	return nil
}

func (g guard) and() string {
	if g.on {
		return " AND fence = ?"
	}
	return ""
}

const at = " WHERE checkpoint = ? AND folder = ? AND area = ? AND name = ? AND at = ?"

func (t tables) setEntry(p partition, name string, e entry, was []byte, g guard) statement {
	return statement{"UPDATE " + t.files + " SET writer = ?, kind = ?, id = ?, size = ?, body = ?" + at + " IF writer = ?" + g.and(),
		append([]any{e.writer, e.kind, e.id, e.size, e.body, p.checkpoint, p.folder, areaEntries, name, 0, was}, g.args()...)}
}

func (t tables) dropEntry(p partition, name string, was []byte, g guard) statement {
	return statement{"DELETE FROM " + t.files + at + " IF writer = ?" + g.and(),
		append([]any{p.checkpoint, p.folder, areaEntries, name, 0, was}, g.args()...)}
}

func (t tables) getEntry(p partition, area int, name string, off int64) statement {
	return statement{"SELECT writer, kind, id, size, body FROM " + t.files + at, []any{p.checkpoint, p.folder, area, name, off}}
}

func (t tables) list(p partition, area int) statement {
	return statement{"SELECT name, writer, kind, id, size FROM " + t.files + " WHERE checkpoint = ? AND folder = ? AND area = ?",
		[]any{p.checkpoint, p.folder, area}}
}

// addRow adds bytes to a log.
func (t tables) addRow(p partition, name string, off int64, body, writer []byte, g guard) statement {
	return statement{"UPDATE " + t.files + " SET writer = ?, size = ?, body = ?" + at + " IF writer = ?" + g.and(),
		append([]any{writer, int64(len(body)), body, p.checkpoint, p.folder, areaRows, name, off, []byte(nil)}, g.args()...)}
}

// setRow replaces a row, in a batch that has a condition.
func (t tables) setRow(p partition, name string, off int64, body, writer []byte) statement {
	return statement{"UPDATE " + t.files + " SET writer = ?, size = ?, body = ?" + at,
		[]any{writer, int64(len(body)), body, p.checkpoint, p.folder, areaRows, name, off}}
}

func (t tables) getRows(p partition, name string, from, to int64) statement {
	return statement{"SELECT at, body FROM " + t.files + " WHERE checkpoint = ? AND folder = ? AND area = ? AND name = ? AND at >= ? AND at < ?",
		[]any{p.checkpoint, p.folder, areaRows, name, from, to}}
}

func (t tables) lastRow(p partition, name string) statement {
	return statement{"SELECT at, size FROM " + t.files +
		" WHERE checkpoint = ? AND folder = ? AND area = ? AND name = ? ORDER BY area DESC, name DESC, at DESC LIMIT 1",
		[]any{p.checkpoint, p.folder, areaRows, name}}
}

// dropRows deletes the rows of a log from an offset on, in a batch that has a
// condition.
func (t tables) dropRows(p partition, name string, from int64) statement {
	return statement{"DELETE FROM " + t.files + " WHERE checkpoint = ? AND folder = ? AND area = ? AND name = ? AND at >= ?",
		[]any{p.checkpoint, p.folder, areaRows, name, from}}
}

func (t tables) setPending(p partition, name string, e entry, was []byte) statement {
	return statement{"UPDATE " + t.files + " SET writer = ?, kind = ?, id = ?" + at + " IF writer = ?",
		[]any{e.writer, e.kind, e.id, p.checkpoint, p.folder, areaPending, name, 0, was}}
}

func (t tables) dropPending(p partition, name string, was []byte) statement {
	return statement{"DELETE FROM " + t.files + at + " IF writer = ?", []any{p.checkpoint, p.folder, areaPending, name, 0, was}}
}

func (t tables) setFence(p partition, to int64, was *int64) statement {
	return statement{"UPDATE " + t.files + " SET fence = ? WHERE checkpoint = ? AND folder = ? IF fence = ?", []any{to, p.checkpoint, p.folder, was}}
}

func (t tables) getFence(p partition) statement {
	return statement{"SELECT DISTINCT checkpoint, folder, fence FROM " + t.files + " WHERE checkpoint = ? AND folder = ?", []any{p.checkpoint, p.folder}}
}

func (t tables) putChunk(id []byte, off int64, body []byte) statement {
	return statement{"INSERT INTO " + t.chunks + " (id, bucket, at, size, body) VALUES (?, ?, ?, ?, ?)", []any{id, bucketOf(off), off, len(body), body}}
}

func (t tables) getChunks(id []byte, from, to int64) statement {
	return statement{"SELECT at, body FROM " + t.chunks + " WHERE id = ? AND bucket = ? AND at >= ? AND at < ?", []any{id, bucketOf(from), from, to}}
}

func (t tables) datedChunks(id []byte, from, to int64) statement {
	return statement{"SELECT at, body, WRITETIME(body) FROM " + t.chunks + " WHERE id = ? AND bucket = ? AND at >= ? AND at < ?", []any{id, bucketOf(from), from, to}}
}

func (t tables) lastChunk(id []byte, bucket int) statement {
	return statement{"SELECT at, size FROM " + t.chunks + " WHERE id = ? AND bucket = ? ORDER BY at DESC LIMIT 1", []any{id, bucket}}
}

func (t tables) dropChunks(id []byte, bucket int, from int64) statement {
	return statement{"DELETE FROM " + t.chunks + " WHERE id = ? AND bucket = ? AND at >= ?", []any{id, bucket, from}}
}

func (t tables) putBeat(checkpoint, name string, body []byte) statement {
	return statement{"INSERT INTO " + t.beats + " (checkpoint, name, body) VALUES (?, ?, ?)", []any{checkpoint, name, body}}
}

func (t tables) getBeat(checkpoint, name string) statement {
	return statement{"SELECT body FROM " + t.beats + " WHERE checkpoint = ? AND name = ?", []any{checkpoint, name}}
}

func (t tables) listBeats(checkpoint string) statement {
	return statement{"SELECT name, body FROM " + t.beats + " WHERE checkpoint = ?", []any{checkpoint}}
}

func (t tables) dropBeat(checkpoint, name string) statement {
	return statement{"DELETE FROM " + t.beats + " WHERE checkpoint = ? AND name = ?", []any{checkpoint, name}}
}
