package identity

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Role says what the holder of a certificate may do. Workers use their executor's certificate.
type Role string

// The roles of a cluster.
const (
	Driver    Role = "driver"    // runs jobs: starts workers, sends them stages
	Executor  Role = "executor"  // hosts workers; workers fetch blocks of each other with it
	Submitter Role = "submitter" // hands over jobs, asks for their end and their size
	Viewer    Role = "viewer"    // looks
)

// Roles are all of them.
func Roles() []Role { return []Role{Driver, Executor, Submitter, Viewer} }

// ParseRole reads a role.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(Roles(), r) {
		return r, nil
	}
	for _, r := range Roles() {
		if len(s) > 1 && strings.HasPrefix(string(r), strings.ToLower(s)[:2]) {
			return "", fmt.Errorf("there is no role %.40q; did you mean %s? The roles are %s", s, r, list(Roles()))
		}
	}
	return "", fmt.Errorf("there is no role %.40q; the roles are %s", s, list(Roles()))
}

// list writes roles as one reads them.
func list(roles []Role) string {
	var s []string
	for _, r := range roles {
		s = append(s, string(r))
	}
	return strings.Join(s, ", ")
}

// Peer is who a certificate names: one member of one cluster, with at least one role. In the certificate it stands as one URI a
// role among the alternative names: tidemill://<cluster>/<role>/<name>.
type Peer struct {
	Cluster, Name string
	Roles         []Role
}

const scheme = "tidemill"

// name is what clusters and members may be called: it stands in URIs, paths and logs.
var name = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// CheckName says whether a cluster or a member can be called s: at most 63 letters, digits, dots, dashes and underscores, the first
// and last a letter or digit.
func CheckName(s string) error {
	if !name.MatchString(s) {
		return fmt.Errorf("the name %.80q cannot be used: at most 63 of A-Z a-z 0-9 . _ -, the first and the last a letter or a digit", s)
	}
	return nil
}

// URIs are the alternative names of p's certificate.
func (p Peer) URIs() (out []*url.URL) {
	for _, r := range p.Roles {
		out = append(out, &url.URL{Scheme: scheme, Host: p.Cluster, Path: "/" + string(r) + "/" + p.Name})
	}
	return out
}

// Has says whether p has one of the roles.
func (p Peer) Has(want ...Role) bool {
	return slices.ContainsFunc(want, func(r Role) bool { return slices.Contains(p.Roles, r) })
}

// String is p's name and roles.
func (p Peer) String() string { return p.Name + " (" + list(p.Roles) + ")" }

// PeerIn reads who a certificate names. It does not say whether to believe it.
func PeerIn(c *x509.Certificate) (Peer, error) {
	var p Peer
	for _, u := range c.URIs {
		if u.Scheme != scheme {
			continue // of somebody else
		}
		r, n, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
		one := Peer{Cluster: u.Host, Name: n, Roles: []Role{Role(r)}}
		// What is written again must be what was read: else two readers could understand it differently.
		if !slices.Contains(Roles(), Role(r)) || !name.MatchString(n) || !name.MatchString(u.Host) || one.URIs()[0].String() != u.String() {
			return Peer{}, fmt.Errorf("certificate %.80q: %.120q is no name of a member: tidemill://<cluster>/<role>/<name> is expected, with a role of %s",
				c.Subject.CommonName, u, list(Roles()))
		}
		if p.Name != "" && (p.Cluster != one.Cluster || p.Name != one.Name) {
			return Peer{}, fmt.Errorf("certificate %.80q names two members, %s and %s: issue one each", c.Subject.CommonName, p.Name, one.Name)
		}
		p = Peer{one.Cluster, one.Name, append(p.Roles, one.Roles...)}
	}
	if p.Name == "" {
		return Peer{}, fmt.Errorf("certificate %.80q names no role in a cluster (a URI tidemill://<cluster>/<role>/<name>): make one with driver certs issue", c.Subject.CommonName)
	}
	return p, nil
}
