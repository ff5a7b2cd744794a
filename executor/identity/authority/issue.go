package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/internal/keyfile"
)

// Order is a certificate to be made.
type Order struct {
	Name  string
	Roles []identity.Role // at least one
	// Hosts are names and addresses under which browsers reach its status page, besides those of the loopback interface. Members do
	// not look at them.
	Hosts []string
	Life  time.Duration // 0 means LeafLife; never beyond the CA's
	Force bool          // replace the certificate of that name
}

// Issued is a member's certificate that was made.
type Issued struct {
	identity.Peer
	Hosts   []string
	Dir     string // with the files for it
	Issuer  string // name of the CA
	Expires time.Time
	cert    *x509.Certificate
}

var hostname = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$`)

func (o Order) check() error {
	if err := identity.CheckName(o.Name); err != nil {
		return err
	}
	if len(o.Roles) == 0 {
		return fmt.Errorf("%s has no role: give one of %v", o.Name, identity.Roles())
	}
	for i, r := range o.Roles {
		if _, err := identity.ParseRole(string(r)); err != nil {
			return err
		}
		if slices.Contains(o.Roles[:i], r) {
			return fmt.Errorf("role %s twice", r)
		}
	}
	for _, h := range o.Hosts {
		if net.ParseIP(h) == nil && (len(h) > 253 || !hostname.MatchString(h)) {
			return fmt.Errorf("host %.80q is neither an IP address nor a name", h)
		}
	}
	if o.Life < 0 {
		return fmt.Errorf("a life of %s", o.Life)
	}
	return nil
}

// Issue makes a key and a certificate and writes what the member needs to nodes/<name>.
func (a *Authority) Issue(o Order) (Issued, error) {
	if err := o.check(); err != nil {
		return Issued{}, fmt.Errorf("issue a certificate: %w", err)
	}
	is, err := a.issue(o)
	if err != nil {
		return Issued{}, fmt.Errorf("issue the certificate of %s: %w", o.Name, err)
	}
	return is, nil
}

func (a *Authority) issue(o Order) (Issued, error) {
	key, cert, err := a.leaf(o)
	if err != nil {
		return Issued{}, err
	}
	text, err := keyfile.KeyPEM(key)
	if err != nil {
		return Issued{}, err
	}
	if err := os.MkdirAll(a.path(nodes, o.Name), folderMode); err != nil {
		return Issued{}, err
	}
	files := []struct {
		name string
		text []byte
	}{{keyFile, text}, {certFile, keyfile.PEM(cert)}, {caFile, keyfile.PEM(a.certs...)}}
	if p := (identity.Peer{Roles: o.Roles}); p.Has(identity.Driver, identity.Executor) { // others do not gossip
		secret, err := keyfile.ReadPrivate(a.path(secretFile))
		if err != nil {
			return Issued{}, err
		}
		files = append(files, struct {
			name string
			text []byte
		}{secretFile, secret})
	} else if err := gone(a.path(nodes, o.Name, secretFile)); err != nil {
		return Issued{}, err
	}
	for _, f := range files {
		if err := keyfile.Write(a.path(nodes, o.Name, f.name), f.text, o.Force); err != nil {
			return Issued{}, err
		}
	}
	return a.issued(o.Name)
}

func (a *Authority) leaf(o Order) (*ecdsa.PrivateKey, *x509.Certificate, error) {
	now := a.now()
	if left := a.issuer.NotAfter.Sub(now); left < leastLife {
		return nil, nil, fmt.Errorf("the CA ends at %s: replace it first, with driver certs rotate --ca add", a.issuer.NotAfter.UTC().Format(time.RFC3339))
	}
	if o.Life == 0 {
		o.Life = LeafLife
	}
	end := now.Add(o.Life)
	if end.After(a.issuer.NotAfter) {
		end = a.issuer.NotAfter
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{Organization: []string{a.cluster}, CommonName: o.Name},
		NotBefore:   now.Add(-backdate),
		NotAfter:    end,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:        identity.Peer{Cluster: a.cluster, Name: o.Name, Roles: o.Roles}.URIs(),
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},

		BasicConstraintsValid: true,
	}
	for _, h := range o.Hosts {
		if ip := net.ParseIP(h); ip == nil && !slices.Contains(template.DNSNames, h) {
			template.DNSNames = append(template.DNSNames, h)
		} else if ip != nil && !slices.ContainsFunc(template.IPAddresses, ip.Equal) {
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	cert, err := sign(template, a.issuer, key, a.key)
	return key, cert, err
}

// issued reads what nodes/<name> holds.
func (a *Authority) issued(name string) (Issued, error) {
	path := a.path(nodes, name, certFile)
	text, err := keyfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Issued{}, fmt.Errorf("%s has no certificate in %s: make one with driver certs issue", name, a.path(nodes))
	}
	if err != nil {
		return Issued{}, err
	}
	certs, err := keyfile.Certificates(text)
	if err != nil {
		return Issued{}, fmt.Errorf("%s: %w", path, err)
	}
	c := certs[0]
	p, err := identity.PeerIn(c)
	if err == nil && (p.Name != name || p.Cluster != a.cluster) {
		err = fmt.Errorf("it is of %s in cluster %s", p.Name, p.Cluster)
	}
	if err != nil {
		return Issued{}, fmt.Errorf("%s: %w", path, err)
	}
	is := Issued{Peer: p, Dir: a.path(nodes, name), Issuer: c.Issuer.CommonName, Expires: c.NotAfter, Hosts: slices.Clone(c.DNSNames), cert: c}
	for _, ip := range c.IPAddresses {
		is.Hosts = append(is.Hosts, ip.String())
	}
	return is, nil
}

// List is what is in nodes, by name.
func (a *Authority) List() (out []Issued, err error) {
	entries, err := os.ReadDir(a.path(nodes))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if !e.IsDir() || identity.CheckName(e.Name()) != nil {
			continue
		}
		is, err := a.issued(e.Name())
		if err != nil {
			return nil, err
		}
		out = append(out, is)
	}
	return out, nil
}
