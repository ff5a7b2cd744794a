package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
)

// Refusal says why a TLS handshake failed for a reason that no retry mends, and what to do; "" if err is nothing of that kind.
func Refusal(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		header   tls.RecordHeaderError
		alert    *net.OpError
	)
	switch {
	case errors.As(err, &unknown):
		return "the server's certificate is signed by an authority that is not trusted: give the file of that authority as ca="
	case errors.As(err, &hostname):
		return fmt.Sprintf("the server's certificate is for another host (%v): use that name in the URL, or give it as server_name=", hostname)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("the server's certificate is not valid now (%v): renew it, or set the clock of this machine", invalid)
	case errors.As(err, &invalid):
		return fmt.Sprintf("the server's certificate cannot be trusted: %v", invalid)
	case errors.As(err, &header):
		return "the server does not speak TLS on this port: use its TLS port, or leave tls=true out"
	// crypto/tls does not export the alerts that a server answers with.
	case errors.As(err, &alert) && alert.Op == "remote error" && strings.Contains(alert.Err.Error(), "certificate"):
		return fmt.Sprintf("the server refuses us for our certificate (%v): give one that it trusts as cert= and key=", alert.Err)
	}
	return ""
}
