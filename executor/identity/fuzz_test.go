package identity_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

// fuzzing are credentials for a fuzz target.
func fuzzing(f *testing.F) (*identity.Credentials, error) {
	a, err := authority.Init(f.TempDir(), "ads", false)
	if err != nil {
		return nil, err
	}
	is, err := a.Issue(authority.Order{Name: "drv", Roles: []identity.Role{identity.Driver}})
	if err != nil {
		return nil, err
	}
	return identity.Load(identity.Options{CA: filepath.Join(is.Dir, "ca.crt"), Cert: filepath.Join(is.Dir, "node.crt"),
		Key: filepath.Join(is.Dir, "node.key"), Secret: filepath.Join(is.Dir, "cluster.secret")})
}

// patched is text with a patch at a place, or the patch alone. Small changes of a text that is right come further than random ones,
// and minimising them is quick.
func patched(text []byte, at uint16, patch []byte, alone bool) []byte {
	if alone {
		return patch
	}
	i := int(at) % len(text)
	return slices.Concat(text[:i], patch, text[min(len(text), i+len(patch)):])
}

func addPatches(f *testing.F) {
	f.Add(uint16(0), []byte(nil), false)
	f.Add(uint16(0), []byte(`{"Version":2`), false)
	f.Add(uint16(700), []byte("A"), false)
	f.Add(uint16(0), []byte(`{"Version":1,"Insecure":true}`), true)
	f.Add(uint16(0), []byte(`{"Version":1,"CA":"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"}`), true)
	f.Add(uint16(0), []byte(`{"Certificates":["MIAA"],"Signature":"MIAA"}`), true)
}

func FuzzUnbundle(f *testing.F) {
	c, err := fuzzing(f)
	if err != nil {
		f.Fatal(err)
	}
	text, err := c.BundleMember()
	if err != nil {
		f.Fatal(err)
	}
	addPatches(f)
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, alone bool) {
		c, err := identity.Unbundle(patched(text, at, patch, alone))
		if err != nil || c == nil || c.Insecure() {
			return
		}
		// What is accepted can be used, and handed on.
		if c.Name() == "" || c.TLSConfig() == nil {
			t.Error("nobody's credentials are accepted")
		}
		again, err := c.BundleMember()
		if err != nil {
			t.Fatal(err)
		}
		if d, err := identity.Unbundle(again); err != nil || d.Name() != c.Name() {
			t.Error(err)
		}
	})
}

func FuzzVerify(f *testing.F) {
	drv, err := fuzzing(f)
	if err != nil {
		f.Fatal(err)
	}
	s, err := drv.Sign(manifest())
	if err != nil {
		f.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		f.Fatal(err)
	}
	addPatches(f)
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, alone bool) {
		var got identity.Signed
		if json.Unmarshal(patched(text, at, patch, alone), &got) != nil || drv.Verify(got, identity.Driver) != nil {
			return
		}
		if !got.Manifest.Expires.Equal(s.Manifest.Expires) {
			t.Error("another expiry passes")
		}
		if got.Manifest.Expires = s.Manifest.Expires; got.Manifest != s.Manifest {
			t.Errorf("%+v passes", got.Manifest)
		}
	})
}
