// Package storetest is the contract of store.Store as tests: every
// implementation passes Run.
//
//	func TestConformance(t *testing.T) {
//		dir := t.TempDir()
//		storetest.Run(t, func() store.Store { … open dir … })
//	}
//
// It does not crash or fail anything: package crashfs does, for directories.
package storetest
