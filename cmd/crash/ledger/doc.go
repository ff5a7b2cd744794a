// Package ledger is the crash suite's own knowledge of what is right: it makes the input, computes what a job must write for it, reads
// what was written, and compares. It shares no code with the engine but the definition of the rows.
//
//	size := ledger.Size{Seed: 7, Rows: 100_000}.WithDefaults()
//	err := ledger.WriteInput(dir, size)       // CSV files
//	got, err := ledger.Read(place)            // what the job left in an SQLite file and folders of files
//	verdict := ledger.Judge(ledger.TruthOf(size), got, true)
//
// Truth is a pass over the entries in their order with plain maps. Balances depend on that order: batches take entries in it, so the state of
// an account after any batch is that after its first so many entries, whatever the batches were. A job that applies an entry twice, or not,
// is wrong in every balance of the account from there on.
//
// Judge is a pure function over collected outputs, so that a report that was kept can be judged again, and checkers can be tested with
// outputs that were spoiled on purpose.
package ledger
