package schedule

// bug is a mistake that a build tag makes on purpose, to show that the tests notice it; see planted_*.go. The constant
// planted is noBug in every other build, and costs nothing.
type bug int

const (
	noBug     bug = iota
	reuseBug      // attempt numbers do not grow
	reportBug     // a report of an old attempt counts
	copyBug       // the copy that comes second is not cancelled
	rerunBug      // lost outputs are not made again for those that read them
)
