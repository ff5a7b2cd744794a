// Package conformance is the suite that every source and sink passes: what the contracts of package dstream promise, as checks
// that a connector's own tests call.
//
//	func TestConformance(t *testing.T) {
//		conformance.Source(t, conformance.Input[Ad]{
//			Prepare: func(t testing.TB, dir string) { … },              // puts the input there, once
//			Open:    func(dir string) (dstream.Connector, error) { … }, // again and again, also in another process
//			Rows:    want,
//		})
//	}
//
// Checks of crashes run the test binary again, as a child that does half of something and is then killed with SIGKILL; the
// child runs the same test function, which must therefore call Source or Sink before it does anything else of consequence.
//
// It tests no rates, and nothing that only a particular service can show.
package conformance
