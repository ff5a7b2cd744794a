package cassandra

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/driver/store"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"cassandra://h/k", ""},
		{"cassandra://u:p@h1,h2:9142/k/other?replication=dc1:3,dc2:2&scope=dc&dc=dc1&timeout=3s&patience=1m&parallel=32", ""},
		{"cassandra://h/k?replication=0", "replication"},
		{"cassandra://h/k?replication=3;DROP", "cannot be read"},
		{"cassandra://h/k?replication=a'b:3", "replication"},
		{"cassandra://h/k?scope=quorum", "one of cluster, dc"},
		{"cassandra://h/k?consistency=one", `unknown parameter "consistency"`},
		{"cassandra://h/k?paralel=3", "did you mean parallel?"},
		{"cassandra://h/k?ca=x", "add tls=true"},
		{"cassandra://h/k?tls=true&cert=x", "belong together"},
		{"cassandra://h/k?tls=true&ca=/none.pem", "no such file"},
		{"cassandra://h/", "no keyspace's name"},
		{"cassandra://h/k.t", "no keyspace's name"},
		{"cassandra://h/k/a/b", "name the checkpoint"},
		{"cassandra:///k", "name a host"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parse(u, store.OpenOptions{Job: "ads"})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.url, err, c.want)
		}
		if strings.Contains(s.place, "p@") {
			t.Errorf("%s shows the password", s.place)
		}
	}
	u, _ := url.Parse("cassandra://h/Mill")
	s, err := parse(u, store.OpenOptions{Job: "ads"})
	if err != nil || s.keyspace != "mill" || s.checkpoint != "ads" || s.serial != gocql.Serial || s.quorum != gocql.Quorum || s.patience != 30*time.Second {
		t.Errorf("%+v, %v", s, err)
	}
}

// A keyspace that is missing is made if it is asked for; a user who may not is
// told what to do.
func TestOpenOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	for _, o := range []store.OpenOptions{{}, {ReadOnly: true}} {
		_, err := store.Open(t.Context(), urlOf(c, "nowhere", "x", ""), o)
		if err == nil || !strings.Contains(err.Error(), "replication=3") {
			t.Errorf("got %v", err)
		}
	}
	keyspace := c.Keyspace(t)
	if _, err := store.Open(t.Context(), urlOf(c, keyspace, "x", ""), store.OpenOptions{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "no checkpoint") {
		t.Errorf("got %v", err)
	}
	a, b := opened(t, urlOf(c, keyspace, "a", "")), opened(t, strings.Replace(urlOf(c, keyspace, "b", "scope=dc"), "/"+keyspace, ",127.0.0.9/"+keyspace, 1))
	defer a.Close()
	defer b.Close()
	for _, s := range []*Store{a, b} { // checkpoints of one keyspace do not meet
		if err := s.Create("state/x", []byte(s.String())); err != nil {
			t.Error(err)
		}
		if body, err := store.ReadFile(s, "state/x"); string(body) != s.String() || err != nil {
			t.Errorf("%s holds %q, %v", s, body, err)
		}
	}
	r, err := store.Open(t.Context(), urlOf(c, keyspace, "a", ""), store.OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Create("state/y", nil); err == nil || !strings.Contains(err.Error(), "for reading") {
		t.Errorf("got %v", err)
	}
	r.Close()
}
