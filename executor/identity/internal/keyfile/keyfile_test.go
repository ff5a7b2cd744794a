package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := Write(path, []byte("one"), false); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("two"), false); err == nil || !strings.Contains(err.Error(), path+" exists already; --force replaces it") {
		t.Error(err)
	}
	if b, err := ReadPrivate(path); string(b) != "one" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("three"), true); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode() != 0o600 {
		t.Error(fi.Mode(), err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPrivate(path); err == nil || !strings.Contains(err.Error(), "can be read by others (mode 0640): close it with chmod 600 "+path) {
		t.Error(err)
	}
	if b, err := Read(path); string(b) != "three" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 || err != nil {
		t.Error(left, err)
	}
	if err := Write(filepath.Join(dir, "no", "f"), nil, true); err == nil {
		t.Error("it wrote into a folder that is not there")
	}
}

func TestSecretsRoundTrip(t *testing.T) {
	a, b := NewSecret(), NewSecret()
	got, err := Secrets(append(append([]byte("# two\n\n"), a...), b...))
	if err != nil || len(got) != 2 || len(got[0]) != MinSecret || bytes.Equal(got[0], got[1]) {
		t.Error(len(got), err)
	}
	if _, err := Secrets([]byte(strings.Repeat("ab", MinSecret-1))); err == nil || !strings.Contains(err.Error(), "too short: 31 bytes") {
		t.Error(err)
	}
	if _, err := Secrets(bytes.Repeat(a, maxSecrets+1)); err == nil {
		t.Error("there is no bound")
	}
}

func sample(tb testing.TB) (key, cert []byte) {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, &k.PublicKey, k)
	if err != nil {
		tb.Fatal(err)
	}
	if key, err = KeyPEM(k); err != nil {
		tb.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: certBlock, Bytes: der})
}

func TestPEM(t *testing.T) {
	key, cert := sample(t)
	both := append(bytes.Clone(key), cert...)
	k, err := Key(both)
	if err != nil {
		t.Fatal(err)
	}
	certs, err := Certificates(append(both, cert...))
	if err != nil || len(certs) != 2 || !k.PublicKey.Equal(certs[0].PublicKey) || !bytes.Equal(PEM(certs[0]), cert) {
		t.Error(len(certs), err)
	}
	sec1, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Key(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})); err != nil || !got.Equal(k) {
		t.Error(err)
	}
	if _, err := Certificates(bytes.Repeat(cert, maxCerts+1)); err == nil {
		t.Error("there is no bound")
	}
}

func FuzzTexts(f *testing.F) {
	key, cert := sample(f)
	f.Add(key)
	f.Add(cert)
	f.Add(NewSecret())
	f.Fuzz(func(t *testing.T, text []byte) {
		if certs, err := Certificates(text); err == nil {
			again, err := Certificates(PEM(certs...))
			if err != nil || len(again) != len(certs) {
				t.Error(len(again), err)
			}
		}
		if k, err := Key(text); err == nil {
			b, err := KeyPEM(k)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Key(b); err != nil || !again.Equal(k) {
				t.Error(err)
			}
		}
		secrets, err := Secrets(text)
		for _, s := range secrets {
			if len(s) < MinSecret {
				t.Error("a short secret passes")
			}
		}
		if err != nil && len(err.Error()) > 200 {
			t.Errorf("%d bytes of error quote what is read", len(err.Error()))
		}
	})
}
