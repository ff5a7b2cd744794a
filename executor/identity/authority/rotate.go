package authority

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/internal/keyfile"
)

// Step is one of the three in which a CA or a secret is replaced.
type Step string

// The steps, in their order. Before each, all members must have the files of the one before.
const (
	Add  Step = "add"  // the next one becomes known
	Use  Step = "use"  // it is put to use; the old one is still understood
	Drop Step = "drop" // the old one is forgotten
)

// ParseStep reads a step.
func ParseStep(s string) (Step, error) {
	if st := Step(s); slices.Contains([]Step{Add, Use, Drop}, st) {
		return st, nil
	}
	return "", fmt.Errorf("there is no step %.40q: the steps are add, use and drop, in this order", s)
}

// Renew makes new keys and certificates, by the CA in use, for the members of these names, or for all that are in nodes. Roles and
// hosts stay.
func (a *Authority) Renew(names ...string) (out []Issued, err error) {
	if len(names) == 0 {
		all, err := a.List()
		if err != nil {
			return nil, err
		}
		for _, is := range all {
			names = append(names, is.Name)
		}
	}
	for _, n := range names {
		if err := identity.CheckName(n); err != nil {
			return out, err
		}
		old, err := a.issued(n)
		if err != nil {
			return out, fmt.Errorf("renew the certificate of %s: %w", n, err)
		}
		is, err := a.Issue(Order{Name: n, Roles: old.Roles, Hosts: old.Hosts, Force: true})
		if err != nil {
			return out, err
		}
		out = append(out, is)
	}
	return out, nil
}

// RotateCA does a step of replacing the CA; Use also renews all certificates in nodes.
func (a *Authority) RotateCA(s Step) error {
	do := map[Step]func() error{Add: a.addCA, Use: a.useCA, Drop: a.dropCA}[s]
	if do == nil {
		return fmt.Errorf("rotate the CA: no step %q", s)
	}
	if err := do(); err != nil {
		return fmt.Errorf("rotate the CA: %s: %w", s, err)
	}
	return nil
}

func (a *Authority) addCA() error {
	if k, err := a.readKey(nextKey); err == nil && of(k, a.certs) != nil {
		return errors.New("there is a next CA already: copy nodes/* to their machines, then use it")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(a.certs) > 1 {
		return errors.New("the CA before is still trusted: drop it first")
	}
	key, ca, err := newCA(a.cluster, a.now())
	if err != nil {
		return err
	}
	text, err := keyfile.KeyPEM(key)
	if err != nil {
		return err
	}
	// A key without its certificate is a step that was interrupted here: it is replaced.
	if err := keyfile.Write(a.path(nextKey), text, true); err != nil {
		return err
	}
	return a.trust(append(slices.Clone(a.certs), ca))
}

func (a *Authority) useCA() error {
	k, err := a.readKey(nextKey)
	switch {
	case err == nil:
		next := of(k, a.certs)
		if next == nil {
			return errors.New("the next CA is not known yet: add it")
		}
		if err := os.Rename(a.path(nextKey), a.path(caKey)); err != nil {
			return err
		}
		a.key, a.issuer = k, next
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case a.issuer == a.certs[0] && len(a.certs) == 1:
		return errors.New("there is no next CA: add one first")
	}
	rest := slices.DeleteFunc(slices.Clone(a.certs), func(c *x509.Certificate) bool { return c == a.issuer })
	if err := a.trust(append([]*x509.Certificate{a.issuer}, rest...)); err != nil {
		return err
	}
	_, err = a.Renew()
	return err
}

func (a *Authority) dropCA() error {
	if _, err := os.Stat(a.path(nextKey)); err == nil {
		return errors.New("the next CA is not in use yet: use it first")
	}
	if len(a.certs) == 1 {
		return errors.New("there is only one CA: nothing to drop")
	}
	all, err := a.List()
	if err != nil {
		return err
	}
	for _, is := range all {
		if is.cert.CheckSignatureFrom(a.issuer) != nil {
			return fmt.Errorf("the certificate of %s is still of the old CA: renew it with driver certs rotate --name %s, and copy it", is.Name, is.Name)
		}
	}
	return a.trust([]*x509.Certificate{a.issuer})
}

// trust writes ca.crt, here and for all members.
func (a *Authority) trust(certs []*x509.Certificate) error {
	if err := keyfile.Write(a.path(caFile), keyfile.PEM(certs...), true); err != nil {
		return err
	}
	a.certs = certs
	return a.spread(caFile, keyfile.PEM(certs...))
}

// spread replaces a file of all members that have it.
func (a *Authority) spread(file string, text []byte) error {
	all, err := a.List()
	if err != nil {
		return err
	}
	for _, is := range all {
		path := a.path(nodes, is.Name, file)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := keyfile.Write(path, text, true); err != nil {
			return err
		}
	}
	return nil
}

// RotateSecret does a step of replacing the cluster secret.
func (a *Authority) RotateSecret(s Step) error {
	if err := a.rotateSecret(s); err != nil {
		return fmt.Errorf("rotate the cluster secret: %s: %w", s, err)
	}
	return nil
}

func (a *Authority) rotateSecret(s Step) error {
	old, err := a.secrets(secretFile)
	if err != nil {
		return err
	}
	next, err := a.secrets(nextSecret)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	known := len(next) == 1 && slices.ContainsFunc(old, func(s []byte) bool { return bytes.Equal(s, next[0]) })
	switch {
	case s == Add && known:
		return errors.New("there is a next secret already: copy nodes/* to their machines, then use it")
	case s == Add && len(old) > 1:
		return errors.New("the secret before is still known: drop it first")
	case s == Use && !known:
		return errors.New("there is no next secret: add one first")
	case s == Drop && next != nil:
		return errors.New("the next secret is not in use yet: use it first")
	case s == Drop && len(old) == 1:
		return errors.New("there is only one secret: nothing to drop")
	}
	switch s {
	case Add:
		if err := keyfile.Write(a.path(nextSecret), keyfile.NewSecret(), true); err != nil {
			return err
		}
		if next, err = a.secrets(nextSecret); err != nil {
			return err
		}
		return a.writeSecrets(append(old, next...))
	case Use:
		rest := slices.DeleteFunc(old, func(s []byte) bool { return bytes.Equal(s, next[0]) })
		if err := a.writeSecrets(append(next, rest...)); err != nil {
			return err
		}
		return os.Remove(a.path(nextSecret))
	case Drop:
		return a.writeSecrets(old[:1])
	}
	return errors.New("there is no such step")
}

func (a *Authority) secrets(file string) ([][]byte, error) {
	text, err := keyfile.ReadPrivate(a.path(file))
	if err != nil {
		return nil, err
	}
	s, err := keyfile.Secrets(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.path(file), err)
	}
	return s, nil
}

func (a *Authority) writeSecrets(secrets [][]byte) error {
	var text []byte
	for _, s := range secrets {
		text = append(hex.AppendEncode(text, s), '\n')
	}
	if err := keyfile.Write(a.path(secretFile), text, true); err != nil {
		return err
	}
	return a.spread(secretFile, text)
}
