package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/tidemill/tidemill/connectors/internal/param"
)

// TLS returns the configuration of an endpoint's connections, nil if they are not encrypted. Each dialler sets ServerName to the host
// that it dials where it is empty, as tls.Dial does.
func TLS(p *param.Set) (*tls.Config, error) {
	on := p.Bool("tls", false)
	ca, cert, key, name := p.String("ca", ""), p.String("cert", ""), p.String("key", ""), p.String("server_name", "")
	if err := p.Bad(); err != nil {
		return nil, err
	}
	if !on {
		if ca+cert+key+name != "" {
			return nil, errors.New("ca, cert, key and server_name mean nothing without TLS: add tls=true")
		}
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name}
	if ca != "" {
		var err error
		if c.RootCAs, err = authorities(ca); err != nil {
			return nil, fmt.Errorf("ca=%s: %w", ca, err)
		}
	}
	if (cert == "") != (key == "") {
		return nil, errors.New("cert and key belong together: give both or none")
	}
	if cert != "" {
		own, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("cert=%s, key=%s: %w", cert, key, err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

func authorities(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("there is no certificate in this file: it must hold PEM blocks, -----BEGIN CERTIFICATE-----")
	}
	return pool, nil
}
