package servicetest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// loan is what a process that a test starts, as the same test binary again for a crash test, has to know of a shared cluster to
// use it too; the rest follows from the options. It stands in an environment variable, named after the service and the options.
type loan struct {
	Folder, Prefix string // of the cluster, and of its addresses
	Ports          []int
	User, Password string
	Path           classPath
}

// loanVariable does not begin with TIDEMILL_: jobs, which tests start too, take that for a setting and refuse one that they do not know.
func loanVariable(name string) string {
	return fmt.Sprintf("SERVICETEST_LOAN_%X", sha256.Sum256([]byte(name)))[:40]
}

// lend puts a loan where processes that this one starts will look for it.
func lend(name string, l loan) error {
	text, err := json.Marshal(l)
	if err == nil {
		err = os.Setenv(loanVariable(name), string(text))
	}
	return err
}

// borrow finds what a parent process lent.
func borrow(name string) (l loan, ok bool, err error) {
	text, ok := os.LookupEnv(loanVariable(name))
	if ok {
		err = json.Unmarshal([]byte(text), &l)
	}
	return l, ok, err
}

// group has nodes that cannot be touched.
func (l loan) group(r release, noun string, n int) *group {
	g := &group{release: r, dir: l.Folder, subnet: &subnet{prefix: l.Prefix, folder: l.Folder}, lent: true}
	for i := range n {
		g.nodes = append(g.nodes, newNode(filepath.Join(l.Folder, noun+"-"+strconv.Itoa(i)), "", nil))
	}
	return g
}

func (l loan) secrets(useTLS bool) (Secrets, error) {
	s := secretsIn(l.Folder, useTLS)
	s.user, s.password = l.User, l.Password
	if useTLS {
		return s, s.load()
	}
	return s, nil
}
