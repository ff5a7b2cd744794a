package receivers

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Log names the log of a receiver.
type Log struct {
	Job      string `json:"job"`
	Receiver string `json:"receiver"` // the source's name
	// Incarnation is the life of the checkpoint that the log belongs to: later ones have higher numbers.
	Incarnation int64 `json:"incarnation"`
}

// Segment names a piece of a log: who began it, and the how manyth of theirs it is.
type Segment struct {
	Epoch int64 `json:"epoch"` // of the driver
	N     int64 `json:"n"`
}

// Holder is an executor that keeps segments.
type Holder struct {
	Name    string `json:"name"`
	Address string `json:"address"`        // of its calls, host:port
	Rack    string `json:"rack,omitempty"` // holders of one segment have different ones if they can
}

// String is the name and the numbers.
func (s Segment) String() string { return fmt.Sprintf("%d-%d", s.Epoch, s.N) }

func (s Segment) compare(o Segment) int {
	return cmp.Or(cmp.Compare(s.Epoch, o.Epoch), cmp.Compare(s.N, o.N))
}

// file is the segment's name in the folder of its log.
func (s Segment) file(incarnation int64) string {
	return fmt.Sprintf("%016x.%016x-%08x", incarnation, s.Epoch, s.N)
}

// parseFile reads such a name; false for other files.
func parseFile(name string) (incarnation int64, s Segment, ok bool) {
	_, err := fmt.Sscanf(name, "%016x.%016x-%08x", &incarnation, &s.Epoch, &s.N)
	return incarnation, s, err == nil && s.file(incarnation) == name
}

// folderName is a name as a part of a path, whatever is in it.
func folderName(name string) string {
	name = url.PathEscape(name)
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	return name
}

var folderForm = regexp.MustCompile(`^[A-Za-z0-9_%~$&+=:@-][A-Za-z0-9_%~$&+=:@.-]{0,199}$`)

// folder is where a server keeps the log, relative to its own.
func (l Log) folder() (string, error) {
	job, receiver := folderName(l.Job), folderName(l.Receiver)
	for _, n := range []string{job, receiver} {
		if !folderForm.MatchString(n) {
			return "", fmt.Errorf("%w: job %.100q, receiver %.100q: names have 1 to 200 bytes", ErrInvalid, l.Job, l.Receiver)
		}
	}
	if l.Incarnation < 0 {
		return "", fmt.Errorf("%w: incarnation %d", ErrInvalid, l.Incarnation)
	}
	return job + "/" + receiver, nil
}
