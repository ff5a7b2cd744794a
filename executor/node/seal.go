package node

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/executor/identity"
)

// signers are who may hand over a binary.
var signers = []identity.Role{identity.Driver, identity.Submitter}

// record is a manifest as it is kept. A signature is worth something for hours, a job runs for months: so the daemon, when it has verified
// a manifest, seals it with a key that is derived from the cluster's secret and lies on no disk of its own folder.
type record struct {
	Signed identity.Signed
	Seal   []byte // HMAC-SHA256 of the manifest's JSON; nil without a secret
}

func (b *binaries) seal(s identity.Signed) record {
	r := record{Signed: s}
	if keys := b.sealKeys(); len(keys) > 0 {
		r.Seal = sealOf(keys[0], s.Manifest)
	}
	return r
}

func (b *binaries) sealKeys() [][]byte { return b.creds.GossipKeys("kept manifests") }

func sealOf(key []byte, m identity.Manifest) []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // it has strings, a number and a time
	}
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil)
}

// manifest reads what is kept of a binary, and believes it if its seal or its signature is good. Without credentials there is nothing to
// be checked but the digest, which the caller does.
func (b *binaries) manifest(digest string) (m identity.Manifest, err error) {
	text, err := b.root.ReadFile(digest + ".json")
	if err != nil {
		return m, fmt.Errorf("manifest of binary %.12s: %w", digest, err)
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil || r.Signed.Manifest.SHA256 != digest {
		return m, &refusal{ErrAltered, fmt.Sprintf("the manifest of binary %.12s was altered on this executor's disk: hand the binary over again", digest)}
	}
	m = r.Signed.Manifest
	if err := b.fits(m); err != nil {
		return m, err
	}
	if b.creds == nil || b.creds.Insecure() {
		return m, nil
	}
	if n := b.sealedBy(r); n >= 0 {
		return m, b.reseal(r, n)
	}
	if err := b.creds.Verify(r.Signed, signers...); err != nil {
		return m, &refusal{ErrAltered, fmt.Sprintf("binary %.12s as it is kept here: its seal does not fit, and %v", digest, err)}
	}
	return m, nil
}

// sealedBy is the number of the key that a record is sealed with, -1 if none.
func (b *binaries) sealedBy(r record) int {
	return slices.IndexFunc(b.sealKeys(), func(key []byte) bool { return hmac.Equal(r.Seal, sealOf(key, r.Signed.Manifest)) })
}

// reseal seals anew what is sealed with an older secret, which will be dropped.
func (b *binaries) reseal(r record, key int) error {
	if key == 0 {
		return nil
	}
	text, err := json.Marshal(b.seal(r.Signed))
	if err != nil {
		return err
	}
	return b.replace(r.Signed.Manifest.SHA256+".json", text)
}
