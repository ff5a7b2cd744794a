package identity_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
)

func manifest() identity.Manifest {
	return identity.Manifest{Job: "ads", SHA256: strings.Repeat("0a", 32), Size: 1 << 20, OS: "linux", Arch: "amd64", Engine: "v1"}
}

// tampered is a change of a good manifest, or of the time, and why it is refused then.
type tampered struct {
	name   string
	change func(s *identity.Signed)
	want   string
}

func tampering(foreign identity.Signed, now *time.Time) []tampered {
	return []tampered{
		{"job", func(s *identity.Signed) { s.Manifest.Job = "adz" }, "it was changed after drv (driver) signed it"},
		{"digest", func(s *identity.Signed) { s.Manifest.SHA256 = strings.Repeat("0b", 32) }, "it was changed"},
		{"size", func(s *identity.Signed) { s.Manifest.Size++ }, "it was changed"},
		{"os", func(s *identity.Signed) { s.Manifest.OS = "plan9" }, "it was changed"},
		{"arch", func(s *identity.Signed) { s.Manifest.Arch = "arm64" }, "it was changed"},
		{"engine", func(s *identity.Signed) { s.Manifest.Engine = "v2" }, "it was changed"},
		{"nonce", func(s *identity.Signed) { s.Manifest.Nonce = strings.Repeat("x", 16) }, "it was changed"},
		{"expiry", func(s *identity.Signed) { s.Manifest.Expires = s.Manifest.Expires.Add(1) }, "it was changed"},
		{"bytes moved between fields", func(s *identity.Signed) { s.Manifest.OS, s.Manifest.Arch = "linuxa", "md64" }, "it was changed"},
		{"signature", func(s *identity.Signed) { s.Signature[9] ^= 1 }, "it was changed"},
		{"no signature", func(s *identity.Signed) { s.Signature = nil }, "it is not signed"},
		{"no certificate", func(s *identity.Signed) { s.Certificates = nil }, "it is not signed"},
		{"spoilt certificate", func(s *identity.Signed) { s.Certificates[0] = s.Certificates[0][1:] }, "a certificate of its signer"},
		{"many certificates", func(s *identity.Signed) { s.Certificates = make([][]byte, 5) }, "more than 4"},
		{"large certificate", func(s *identity.Signed) { s.Certificates[0] = make([]byte, 1<<20) }, "more than 16384"},
		{"other CA", func(s *identity.Signed) { *s = foreign }, "is of another CA"},
		{"certificate of another signer", func(s *identity.Signed) { s.Certificates = foreign.Certificates }, "is of another CA"},
		{"digest in capitals", func(s *identity.Signed) { s.Manifest.SHA256 = strings.ToUpper(s.Manifest.SHA256) }, "64 lower-case hex digits"},
		{"digest with a path", func(s *identity.Signed) { s.Manifest.SHA256 = "../" + s.Manifest.SHA256[3:] }, "64 lower-case hex digits"},
		{"digest with a line end", func(s *identity.Signed) { s.Manifest.SHA256 += "\n" }, "64 lower-case hex digits"},
		{"empty binary", func(s *identity.Signed) { s.Manifest.Size = 0 }, "size is 0"},
		{"no job", func(s *identity.Signed) { s.Manifest.Job = "" }, "its job has 0 bytes"},
		{"long engine", func(s *identity.Signed) { s.Manifest.Engine = strings.Repeat("v", 257) }, "its engine has 257 bytes"},
		{"short nonce", func(s *identity.Signed) { s.Manifest.Nonce = "1" }, "its nonce"},
		{"for a year", func(s *identity.Signed) { s.Manifest.Expires = now.Add(365 * 24 * time.Hour) }, "longer than 24h0m0s from now"},
		{"expired", func(s *identity.Signed) { *now = now.Add(2 * time.Hour) }, "it expired at 20"},
		{"signer expired", func(s *identity.Signed) { *now = now.Add(91 * 24 * time.Hour); s.Manifest.Expires = now.Add(time.Hour) }, `certificate "drv" expired at 20`},
	}
}

func TestManifest(t *testing.T) {
	c, other := newCA(t), newCA(t)
	drv, ex := c.load("drv", identity.Driver), c.load("ex-1", identity.Executor)
	now := time.Now()
	clock := func() time.Time { return now }
	identity.SetClock(drv, clock)
	identity.SetClock(ex, clock)
	good, err := drv.Sign(manifest())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	fresh := func() (s identity.Signed) {
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := ex.Verify(fresh(), identity.Driver, identity.Submitter); err != nil {
		t.Fatal(err)
	}
	foreign, err := other.load("drv", identity.Driver).Sign(manifest())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range tampering(foreign, &now) {
		was := now
		s := fresh()
		k.change(&s)
		if err := ex.Verify(s, identity.Driver); !contains(errorText(err), k.want, "manifest of job") {
			t.Errorf("%s: %v", k.name, err)
		}
		now = was
	}
}

func TestSigners(t *testing.T) {
	c := newCA(t)
	drv, ex := c.load("drv", identity.Driver), c.load("ex-1", identity.Executor)
	eves, err := c.load("eve", identity.Viewer).Sign(manifest())
	if err != nil {
		t.Fatal(err)
	}
	if err := ex.Verify(eves, identity.Driver, identity.Submitter); !contains(errorText(err), "eve (viewer) signed it, which needs the role driver or submitter") {
		t.Error(err)
	}
	if err := ex.Verify(eves); err != nil {
		t.Error(err)
	}
	m := manifest()
	m.SHA256 = "x"
	if _, err := drv.Sign(m); !contains(errorText(err), "sign the manifest of job", "64 lower-case hex digits") {
		t.Error(err)
	}
}

func TestManifestWithoutCertificates(t *testing.T) {
	for _, c := range []*identity.Credentials{nil, load(t, identity.Options{Insecure: true})} {
		s, err := c.Sign(manifest())
		if err != nil || s.Signature != nil || len(s.Manifest.Nonce) != 32 {
			t.Fatal(s, err)
		}
		if err := c.Verify(s, identity.Driver); err != nil {
			t.Error(err)
		}
		s.Manifest.SHA256 = "x"
		if err := c.Verify(s); err == nil {
			t.Error("the form is not looked at")
		}
		if err := newCA(t).load("ex-1", identity.Executor).Verify(s); err == nil {
			t.Error("an unsigned manifest is accepted")
		}
	}
}

// Two signatures of one manifest differ in their nonce, so that a record of them can tell a repetition.
func TestNonces(t *testing.T) {
	var c *identity.Credentials
	a, _ := c.Sign(manifest())
	b, _ := c.Sign(manifest())
	if a.Manifest.Nonce == b.Manifest.Nonce {
		t.Error(a.Manifest.Nonce)
	}
}
