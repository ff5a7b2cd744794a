package fleet

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
	"github.com/tidemill/tidemill/executor/node"
)

// certificates are those of a cluster of its own.
func certificates(t *testing.T) *authority.Authority {
	t.Helper()
	a, err := authority.Init(filepath.Join(t.TempDir(), "certs"), "ads", false)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *authority.Authority, o authority.Order) *identity.Credentials {
	t.Helper()
	is, err := a.Issue(o)
	if err != nil {
		t.Fatal(err)
	}
	files := identity.Options{CA: filepath.Join(is.Dir, "ca.crt"), Cert: filepath.Join(is.Dir, "node.crt"), Key: filepath.Join(is.Dir, "node.key")}
	if is.Has(identity.Driver, identity.Executor) {
		files.Secret = filepath.Join(is.Dir, "cluster.secret")
	}
	c, err := identity.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTrust has drivers meet executors that do not trust them, or that they do not trust: each is named with the reason, once, and nothing
// hangs.
func TestTrust(t *testing.T) {
	if testing.Short() {
		t.Skip("starts executors")
	}
	a, other := certificates(t), certificates(t)
	executor := issue(t, a, authority.Order{Name: "ex-1", Roles: []identity.Role{identity.Executor}, Hosts: []string{"127.0.0.1"}})
	secured := startDaemon(t, "ex-1", node.Options{Credentials: executor, Cluster: "ads"})
	open := startDaemon(t, "ex-2", node.Options{})
	driver := issue(t, a, authority.Order{Name: "d", Roles: []identity.Role{identity.Driver}})
	for _, c := range []struct {
		name        string
		credentials *identity.Credentials
		address     string
		want        string
	}{
		{"other CA", issue(t, other, authority.Order{Name: "d", Roles: []identity.Role{identity.Driver}}), secured.about.Address, "is of another CA"},
		{"viewer", issue(t, a, authority.Order{Name: "v", Roles: []identity.Role{identity.Viewer}}), secured.about.Address, "which needs the role driver"},
		{"none", nil, secured.about.Address, "give this end some too"},
		{"only driver's", driver, open.about.Address, "does not speak TLS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, l := startReal(t, Options{Job: "ads", Epoch: 1, Cluster: []string{c.address}, Credentials: c.credentials, Patience: time.Millisecond})
			r := await(l, func(Refused) bool { return true })
			if r.Why.Kind != Untrusted || !strings.Contains(r.Why.Error(), c.want) {
				t.Errorf("%s: %v", r.Why.Kind, r)
			}
		})
	}
	_, l := startReal(t, Options{Job: "ads", Epoch: 1, Cluster: []string{secured.about.Address}, Credentials: driver})
	await(l, func(Up) bool { return true })
}
