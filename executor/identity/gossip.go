package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// GossipKeys are the keys of the cluster's gossip, 32 bytes each (AES-256), in the order of the secret file: the first encrypts, all
// decrypt. A secret is replaced in three steps, each everywhere before the next: the new one is added behind, then it is put first,
// then the old one is dropped (driver certs rotate --secret). The cluster's name is the label of the derivation, so that two
// clusters of one secret do not hear each other. nil without a secret.
//
// A key is HKDF-SHA256 (RFC 5869) of the secret, without salt.
func (c *Credentials) GossipKeys(cluster string) (keys [][]byte) {
	if !c.secure() {
		return nil
	}
	for _, s := range c.current().secrets {
		k, err := hkdf.Key(sha256.New, s, nil, "tidemill gossip 1 "+cluster, 32)
		if err != nil {
			panic(err) // the length is far below the limit
		}
		keys = append(keys, k)
	}
	return keys
}
