// Package crashfs is a file system in memory that forgets what was not synced,
// for tests of everything that keeps a checkpoint.
//
//	fsys := crashfs.New()
//	fsys.Fail(17, crashfs.Crash)             // the 17th call and all later ones fail
//	st, _ := store.OpenDir("x", store.DirOptions{FS: fsys})
//	…                                        // work until it fails
//	after := fsys.PowerCut(seed, 0.5)        // what the disk might hold then
//	st, _ = store.OpenDir("x", store.DirOptions{FS: after})
//
// It is stricter than disks are: unsynced bytes survive in blocks of 16, in any
// combination; names made, moved or removed survive one by one, in any
// combination, until their folder is synced; and bytes whose sync failed stay
// readable, but a later sync does not save them.
//
// It does not model delays, and keeps all in memory.
package crashfs
