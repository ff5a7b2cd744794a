// Package all links every connector, so that a job finds the schemes of its configuration:
//
//	import _ "github.com/tidemill/tidemill/connectors/all"
//
// Schemes are cassandra, console, deadletter, files, generate, kafka, socket and sqlite; each package's documentation lists the
// parameters of its URLs. A job that needs few of them imports those instead.
package all
