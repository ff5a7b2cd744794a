package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestCluster(t *testing.T) {
	c, err := load(t, "cluster:\n  address: 10.0.0.1:7077, [::1]:7078\n  executors: 3\n  ca: ca.pem\n", []string{"TIDEMILL_CLUSTER_EXECUTORS=4"}, map[string]string{"cluster::secret": "/s"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"10.0.0.1:7077", "[::1]:7078"}; !reflect.DeepEqual(c.Cluster.Address, want) {
		t.Errorf("%q", c.Cluster.Address)
	}
	if c.Cluster.Executors != 4 || c.Cluster.Secret != "/s" || !strings.HasPrefix(c.Cluster.CA, "/") {
		t.Errorf("%+v", c.Cluster)
	}
	if c, err = load(t, "", nil, nil); err != nil || len(c.Cluster.Address) != 0 {
		t.Errorf("%q, %v", c.Cluster.Address, err)
	}
	for _, wrong := range []string{"address: 10.0.0.1", "address: a:1,,b:2", "address: a:0", "address: :7077", "executors: -1", "ca: https://ca", "secrets: x"} {
		if _, err := load(t, "cluster:\n  "+wrong+"\n", nil, nil); err == nil {
			t.Errorf("%s: accepted", wrong)
		}
	}
}
