package dstream

import "context"

// Finding is something that `driver doctor` found out about an endpoint.
type Finding struct {
	Severity Severity
	Subject  string // what was looked at: "broker 10.0.0.7:9092", "table analytics.views"
	Text     string // what was found, "answers in 3 ms, Kafka 4.3", or what is wrong
	Remedy   string // what to do about it; empty if nothing is wrong
}

// Severity says how bad a finding is.
type Severity int

// The severities. A job with a Broken endpoint cannot run.
const (
	Fine Severity = iota
	Doubtful
	Broken
)

// String is the severity in a word.
func (s Severity) String() string { return [...]string{"ok", "warning", "broken"}[s] }

// Examined is a connector that can look at its surroundings for `driver doctor`. Examine changes nothing, and does not give up at the
// first thing that is wrong. It answers within the deadline of its context.
type Examined interface {
	Examine(ctx context.Context) []Finding
}
