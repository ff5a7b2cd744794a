package broker

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/tidemill/tidemill/connectors/internal/param"
	"github.com/tidemill/tidemill/connectors/internal/secure"
	"github.com/tidemill/tidemill/dstream"
)

// Access is what an URL says about how to reach the brokers. It is immutable and never printed, since it holds the password.
type Access struct {
	Brokers []string    // host:port, as in the URL; at least one. The cluster itself names the others
	User    string      // "" if nobody logs in
	TLS     *tls.Config // nil if connections are not encrypted

	client    string // what the brokers' logs call us
	password  string
	mechanism string // one of mechanisms
}

// mechanisms are the ways to log in, as users and as Kafka write them. The first is the default.
var mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

// defaultPort is where brokers listen if the URL does not say.
const defaultPort = "9092"

// Of reads how to reach the brokers of an endpoint. It takes its parameters from p and leaves p.Err to the caller.
func Of(e dstream.Endpoint, p *param.Set) (*Access, error) {
	a := &Access{client: clientName(e)}
	given := p.String("sasl", "")
	a.mechanism = p.OneOf("sasl", mechanisms...)
	var err error
	if a.TLS, err = secure.TLS(p); err != nil {
		return nil, fmt.Errorf("%s: %w", e.URL.Redacted(), err)
	}
	if a.Brokers, err = hosts(e.URL); err != nil {
		return nil, err
	}
	if e.URL.User != nil {
		a.User = e.URL.User.Username()
		a.password, _ = e.URL.User.Password()
	}
	switch {
	case e.URL.User != nil && (a.User == "" || a.password == ""):
		return nil, fmt.Errorf("%s: user and password belong together: write kafka://user:password@host", e.URL.Redacted())
	case a.User == "" && given != "":
		return nil, fmt.Errorf("%s: sasl=%s needs a user: write kafka://user:password@host", e.URL.Redacted(), given)
	}
	return a, nil
}

func hosts(u *url.URL) ([]string, error) {
	var out []string
	for h := range strings.SplitSeq(u.Host, ",") {
		host, port, err := net.SplitHostPort(h)
		if err != nil {
			host, port, err = net.SplitHostPort(h + ":" + defaultPort)
		}
		if err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("%s: %q names no broker: write kafka://host:9092,host:9092/topic", u.Redacted(), h)
		}
		out = append(out, net.JoinHostPort(host, port))
	}
	return out, nil
}

// clientName is what brokers' logs and quotas know the endpoint by.
func clientName(e dstream.Endpoint) string {
	parts := []string{"tidemill"}
	for _, s := range []string{e.Job, e.Name} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "-")
}

// String says where, and as whom; never the password.
func (a *Access) String() string {
	s := "kafka " + strings.Join(a.Brokers, ",")
	if a.User != "" {
		s += " as " + a.User
	}
	return s
}
