package identity_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/executor/identity"
)

func TestParseRole(t *testing.T) {
	for _, r := range identity.Roles() {
		if got, err := identity.ParseRole(string(r)); got != r || err != nil {
			t.Error(got, err)
		}
	}
	for s, want := range map[string]string{
		"executer": "did you mean executor? The roles are driver, executor, submitter, viewer",
		"Driver":   "did you mean driver?",
		"":         "the roles are driver",
		"x":        "the roles are driver",
	} {
		if _, err := identity.ParseRole(s); !contains(errorText(err), want) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestCheckName(t *testing.T) {
	for s, ok := range map[string]bool{
		"ex-1": true, "a": true, "A_b.c": true, strings.Repeat("a", 63): true,
		"": false, ".": false, "..": false, "a/b": false, "../a": false, "-a": false, "a.": false, "a b": false, "a\n": false, "ä": false, "%2e": false,
		strings.Repeat("a", 64): false,
	} {
		if err := identity.CheckName(s); (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestPeerInWhatItsURIsSay(t *testing.T) {
	p := identity.Peer{Cluster: "ads", Name: "ex-1", Roles: []identity.Role{identity.Executor, identity.Driver}}
	got, err := identity.PeerIn(&x509.Certificate{URIs: p.URIs()})
	if err != nil || got.String() != "ex-1 (executor, driver)" || got.Cluster != "ads" {
		t.Error(got, err)
	}
	if !got.Has(identity.Viewer, identity.Driver) || got.Has(identity.Viewer) || got.Has() {
		t.Error("Has")
	}
}
