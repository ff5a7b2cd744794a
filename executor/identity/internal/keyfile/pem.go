package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	certBlock = "CERTIFICATE"
	keyBlock  = "PRIVATE KEY"

	maxCerts   = 16
	maxSecrets = 8

	// MinSecret is the least length of a cluster secret, in bytes: what an AES-256 key can hold of it.
	MinSecret = 32
)

// Certificates returns the certificates of a PEM text in its order, at least one.
func Certificates(text []byte) (out []*x509.Certificate, err error) {
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		if b.Type != certBlock {
			continue // a key may lie in the same file
		}
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of the file: %w", len(out)+1, err)
		}
		if out = append(out, c); len(out) > maxCerts {
			return nil, fmt.Errorf("more than %d certificates in one file", maxCerts)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("no certificate in it (a PEM block that begins with -----BEGIN CERTIFICATE-----)")
	}
	return out, nil
}

// Key returns the ECDSA key of a PEM text.
func Key(text []byte) (*ecdsa.PrivateKey, error) {
	for b, rest := pem.Decode(text); b != nil; b, rest = pem.Decode(rest) {
		if b.Type == "EC PRIVATE KEY" {
			if k, err := x509.ParseECPrivateKey(b.Bytes); err == nil {
				return k, nil
			}
		}
		if b.Type != keyBlock {
			continue
		}
		k, err := x509.ParsePKCS8PrivateKey(b.Bytes)
		if k, ok := k.(*ecdsa.PrivateKey); ok && err == nil {
			return k, nil
		}
		return nil, errors.New("the key in it is damaged, or no ECDSA key: driver certs issue makes one that fits")
	}
	return nil, errors.New("no private key in it (a PEM block that begins with -----BEGIN PRIVATE KEY-----, not encrypted)")
}

// Secrets returns the secrets of a text, one a line in hex, in its order. Empty lines and those that begin with # do not count.
func Secrets(text []byte) (out [][]byte, err error) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		s := make([]byte, hex.DecodedLen(len(line)))
		if _, err := hex.Decode(s, line); err != nil {
			// hex's own error quotes what it found.
			return nil, fmt.Errorf("line %d is not hex: a secret is at least %d digits 0-9a-f, as openssl rand -hex %d prints them", n, 2*MinSecret, MinSecret)
		}
		if len(s) < MinSecret {
			return nil, fmt.Errorf("the secret in line %d is too short: %d bytes, at least %d are needed (%d hex digits); driver certs init makes one",
				n, len(s), MinSecret, 2*MinSecret)
		}
		if out = append(out, s); len(out) > maxSecrets {
			return nil, fmt.Errorf("more than %d secrets: drop old ones with driver certs rotate --secret drop", maxSecrets)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no secret in it: one a line, at least %d hex digits", 2*MinSecret)
	}
	return out, nil
}

// NewSecret returns a line with a random secret.
func NewSecret() []byte {
	b := make([]byte, MinSecret)
	_, _ = rand.Read(b) // it never fails
	return append(hex.AppendEncode(nil, b), '\n')
}

// PEM returns certificates as text.
func PEM(certs ...*x509.Certificate) (out []byte) {
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: c.Raw})...)
	}
	return out
}

// KeyPEM returns a key as text.
func KeyPEM(k *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}
