package servicetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/gocql/gocql"
)

// agrees tells whether node i has heard which schema the others that run have, and has the same. One that has not is passed over by
// clients that wait until all have a new table, and would be asked for that table before it knows of it.
func (c *CassandraCluster) agrees(ctx context.Context, i int) error {
	config := c.Config()
	config.Hosts, config.DisableInitialHostLookup, config.NumConns = []string{c.subnet.host(i)}, true, 1
	config.Consistency = gocql.One
	if c.options.Auth {
		config.Authenticator = superuser
	}
	s, err := c.connect(config)
	if err != nil {
		return err
	}
	defer s.Close()
	var mine string
	if err := s.Query("SELECT CAST(schema_version AS text) FROM system.local").WithContext(ctx).Scan(&mine); err != nil {
		return err
	}
	var same []string
	var peer, version string
	rows := s.Query("SELECT CAST(peer AS text), CAST(schema_version AS text) FROM system.peers_v2").WithContext(ctx).Iter()
	for rows.Scan(&peer, &version) {
		if version == mine {
			same = append(same, peer)
		}
		version = ""
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, j := range c.up() {
		if j != i && !slices.Contains(same, c.subnet.host(j)) {
			return fmt.Errorf("node %d does not know the schema of node %d, or has another", i, j)
		}
	}
	return nil
}
