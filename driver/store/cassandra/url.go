package cassandra

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/cassandra/cql"
	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/internal/query"
)

// settings are what a URL says.
type settings struct {
	place       string // the URL without password and parameters, for messages
	keyspace    string
	checkpoint  string
	cql         cql.Options
	replication string // of a keyspace that is made; "" = it must be there
	patience    time.Duration
	parallel    int
	serial      gocql.SerialConsistency // of conditional changes and of reads that must see them
	quorum      gocql.Consistency       // of everything else
}

var (
	keyspaceName = regexp.MustCompile(`^[A-Za-z]\w{0,47}$`)
	replicas     = regexp.MustCompile(`^(\w[\w-]*:)?[1-9]\d?(,\w[\w-]*:[1-9]\d?)*$`)
)

func parse(u *url.URL, o store.OpenOptions) (settings, error) {
	keyspace, checkpoint, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if checkpoint == "" {
		checkpoint = o.Job
	}
	s := settings{keyspace: strings.ToLower(keyspace), checkpoint: checkpoint}
	switch {
	case u.Host == "":
		return s, errors.New("name a host: cassandra://host[:9042][,host2]/keyspace")
	case !keyspaceName.MatchString(keyspace):
		return s, fmt.Errorf("%q is no keyspace's name: write cassandra://host/keyspace, with letters, digits and _", keyspace)
	case checkpoint == "" || strings.Contains(checkpoint, "/"):
		return s, errors.New("name the checkpoint, which is the job's by default: cassandra://host/keyspace/name")
	}
	s.place = fmt.Sprintf("cassandra://%s/%s/%s", u.Host, keyspace, checkpoint)
	return s, s.parameters(u)
}

func (s *settings) parameters(u *url.URL) error {
	p := query.Of(u)
	s.serial, s.quorum = gocql.Serial, gocql.Quorum
	if p.OneOf("scope", "cluster", "dc") == "dc" {
		s.serial, s.quorum = gocql.LocalSerial, gocql.LocalQuorum
	}
	s.replication, s.patience, s.parallel = p.String("replication"), p.Duration("patience", 30*time.Second), p.Int("parallel", 8, 1, 256)
	password, _ := u.User.Password()
	s.cql = cql.Options{
		Hosts: strings.Split(u.Host, ","), User: u.User.Username(), Password: password, DC: p.String("dc"), Consistency: s.quorum,
		Timeout: p.Duration("timeout", 6*time.Second), ConnectTimeout: p.Duration("connect_timeout", 5*time.Second),
	}
	files := tlsFiles{p.Bool("tls"), p.String("ca"), p.String("cert"), p.String("key"), p.String("server_name")}
	if err := p.Err(); err != nil {
		return err
	}
	if s.replication != "" && !replicas.MatchString(s.replication) {
		return fmt.Errorf("replication=%s: give a number, or one for each data centre: replication=dc1:3,dc2:3", s.replication)
	}
	var err error
	s.cql.TLS, err = files.config()
	return err
}

// tlsFiles are the parameters of TLS, those of every endpoint of this engine.
type tlsFiles struct {
	on                    bool
	ca, cert, key, server string
}

func (f tlsFiles) config() (*tls.Config, error) {
	switch {
	case !f.on && f.ca+f.cert+f.key+f.server != "":
		return nil, errors.New("ca, cert, key and server_name mean nothing without TLS: add tls=true")
	case !f.on:
		return nil, nil
	case (f.cert == "") != (f.key == ""):
		return nil, errors.New("cert and key belong together: give both or none")
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: f.server}
	if f.ca != "" {
		text, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ca=%s: there is no certificate in this file: it must hold PEM blocks", f.ca)
		}
	}
	if f.cert != "" {
		own, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("cert=%s, key=%s: %w", f.cert, f.key, err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}
