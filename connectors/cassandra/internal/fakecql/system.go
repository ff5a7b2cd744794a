package fakecql

import (
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
)

// system makes the tables that clients look at.
func (c *Cluster) system() {
	c.tables = map[string]*table{}
	for _, ddl := range []string{
		`CREATE TABLE system_schema.keyspaces (keyspace_name text, durable_writes boolean, replication map<text;text>, PRIMARY KEY (keyspace_name))`,
		`CREATE TABLE system_schema.tables (keyspace_name text, table_name text, default_time_to_live int, comment text, PRIMARY KEY (keyspace_name, table_name))`,
		`CREATE TABLE system_schema.views (keyspace_name text, view_name text, default_time_to_live int, comment text, PRIMARY KEY (keyspace_name, view_name))`,
		`CREATE TABLE system_schema.columns (keyspace_name text, table_name text, column_name text, kind text, position int, type text, clustering_order text, PRIMARY KEY (keyspace_name, table_name, column_name))`,
		`CREATE TABLE system_schema.types (keyspace_name text, type_name text, field_names list<text>, field_types list<text>, PRIMARY KEY (keyspace_name, type_name))`,
	} {
		if _, err := c.parse(ddl); err != nil {
			panic(err)
		}
	}
}

// local is the tables that each node has of its own.
func (n *Node) local() map[string]*table {
	const columns = `key text, host_id uuid, data_center text, rack text, tokens set<text>, rpc_address inet, broadcast_address inet, ` +
		`listen_address inet, native_address inet, native_port int, native_transport_address inet, peer inet, ` +
		`release_version text, schema_version uuid, partitioner text, cluster_name text, preferred_ip inet`
	own := &Cluster{tables: map[string]*table{}}
	must(own.create("system.local", columns, []string{"key"}, nil))
	must(own.create("system.peers_v2", columns, []string{"key"}, nil))
	must(own.create("system.peers", columns, []string{"key"}, nil))
	for _, o := range n.cluster.Nodes {
		if o == n {
			must(own.tables["system.local"].insert(o.describe(true), 1))
			continue
		}
		must(own.tables["system.peers_v2"].insert(o.describe(false), 1))
		must(own.tables["system.peers"].insert(o.describe(false), 1))
	}
	return own.tables
}

func (n *Node) describe(own bool) map[string]operand {
	port, _ := strconv.Atoi(n.port)
	var tokens []string
	for _, t := range n.Tokens {
		tokens = append(tokens, fmt.Sprint(t))
	}
	key := n.ID
	if own {
		key = "local"
	}
	v := map[string]operand{
		"key": text(key), "data_center": text(n.DC), "rack": text(n.Rack), "release_version": text("5.0.8"), "cluster_name": text("fake"),
		"partitioner": text("org.apache.cassandra.dht.Murmur3Partitioner"), "tokens": {bytes: texts(tokens)},
		"native_port": {bytes: binary.BigEndian.AppendUint32(nil, uint32(port))}, "host_id": {bytes: n.id[:]}, "schema_version": {bytes: make([]byte, 16)},
	}
	v["schema_version"].bytes[15] = 1
	for _, a := range []string{"rpc_address", "broadcast_address", "listen_address", "native_address", "peer"} {
		v[a] = operand{bytes: net.ParseIP(n.host).To4()}
	}
	return v
}

func text(s string) operand { return operand{bytes: []byte(s)} }

func number(n int) operand {
	return operand{bytes: binary.BigEndian.AppendUint32(nil, uint32(int32(n)))}
}

// texts is a list or set of texts, texts in pairs a map.
func texts(of []string) []byte { return sized(uint32(len(of)), of) }

func pairs(of ...string) []byte { return sized(uint32(len(of)/2), of) }

func sized(n uint32, of []string) []byte {
	b := binary.BigEndian.AppendUint32(nil, n)
	for _, s := range of {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return b
}

// describe enters a table into the schema.
func (c *Cluster) describe(t *table) {
	if t.keyspace == "system_schema" || t.keyspace == "system" {
		return
	}
	must(c.tables["system_schema.tables"].insert(map[string]operand{
		"keyspace_name": text(t.keyspace), "table_name": text(t.name), "default_time_to_live": number(0), "comment": text(""),
	}, 1))
	for _, col := range t.columns {
		must(c.tables["system_schema.columns"].insert(map[string]operand{
			"keyspace_name": text(t.keyspace), "table_name": text(t.name), "column_name": text(col.name), "kind": text(col.role),
			"position": number(col.position), "type": text(col.typ), "clustering_order": text("asc"),
		}, 1))
	}
}

// Keyspace makes a keyspace with a number of copies.
func (c *Cluster) Keyspace(name string, copies int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	must(c.tables["system_schema.keyspaces"].insert(map[string]operand{
		"keyspace_name": text(name),
		"replication":   {bytes: pairs("class", "org.apache.cassandra.locator.SimpleStrategy", "replication_factor", fmt.Sprint(copies))},
	}, 1))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
