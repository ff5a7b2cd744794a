package identity

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
)

// TLSConfig is for servers of HTTP: TLS 1.3 with client certificates of this cluster, files as they are at each handshake.
// nil without certificates.
func (c *Credentials) TLSConfig() *tls.Config {
	if !c.secure() {
		return nil
	}
	config := func(raw net.Conn) *tls.Config {
		cfg := c.config(c.current(), x509.ExtKeyUsageClientAuth, nil)
		cfg.NextProtos = []string{"h2", "http/1.1"}
		if check := cfg.VerifyConnection; raw != nil {
			cfg.VerifyConnection = func(s tls.ConnectionState) error {
				if err := check(s); err != nil {
					return c.refuse(raw, err)
				}
				return nil
			}
		}
		return cfg
	}
	cfg := config(nil)
	cfg.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { return config(h.Conn), nil }
	return cfg
}

// HTTP lets requests through whose client certificate has one of the roles, none given means any of the cluster; others get 403.
// It belongs behind TLSConfig. Without certificates, requests from this machine pass, and with Options.Insecure all.
func (c *Credentials) HTTP(h http.Handler, roles ...Role) http.Handler {
	if len(roles) == 0 {
		roles = Roles()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := c.refusesRequest(r, roles); why != "" {
			http.Error(w, why, http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (c *Credentials) refusesRequest(r *http.Request, roles []Role) string {
	switch {
	case c.Insecure():
		return ""
	case c == nil:
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err != nil || !net.ParseIP(host).IsLoopback() {
			return "without certificates only this machine is served"
		}
		return ""
	case r.TLS == nil || len(r.TLS.PeerCertificates) == 0:
		return "no certificate was shown: use one of the cluster (driver certs issue)"
	}
	p, err := c.current().verify(r.TLS.PeerCertificates, x509.ExtKeyUsageClientAuth, c.now())
	if err == nil && !p.Has(roles...) {
		err = wrongRole(p, "asks for "+r.Method+" "+r.URL.EscapedPath(), roles)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
