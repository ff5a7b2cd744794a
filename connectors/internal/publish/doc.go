// Package publish makes files appear whole: readers see a file with all of its bytes, durably, or not at all.
//
//	f, err := publish.Create(staging, "part-0")
//	defer f.Discard() // does nothing after Commit
//	_, err = f.Write(rows)
//	err = f.Commit(filepath.Join(dir, "part-0"))
//
// The bytes are synced before the rename and the folder after it, so that no crash leaves a name without its bytes. Staging
// and target must be on one file system.
package publish
