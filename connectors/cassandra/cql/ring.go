package cql

import (
	"context"
	"fmt"
	"hash/fnv"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/rdd/ring"
)

// Ring is the cluster as one node saw it. It is immutable and safe for concurrent use.
type Ring struct {
	Nodes   []ring.Node // in the order of their IDs
	DC      string      // the local data centre
	Version uint64      // a hash of all there is: two rings with one version are the same

	keyspaces map[string]ring.Replication
	mu        sync.Mutex
	placed    map[string]*ring.Placement // by keyspace, made when first asked for; guarded by mu
}

// Replication is that of a keyspace; false if there is no such keyspace.
func (r *Ring) Replication(keyspace string) (ring.Replication, bool) {
	rep, ok := r.keyspaces[keyspace]
	return rep, ok
}

// Keyspaces lists the names of the keyspaces in order.
func (r *Ring) Keyspaces() []string {
	var out []string
	for k := range r.keyspaces {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// Placement is who holds what of a keyspace; one that is not there is held by nobody.
func (r *Ring) Placement(keyspace string) *ring.Placement {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.placed[keyspace]
	if p == nil {
		p = &ring.Placement{}
		if rep, ok := r.keyspaces[keyspace]; ok {
			p = ring.Place(r.Nodes, rep)
		}
		r.placed[keyspace] = p
	}
	return p
}

// Replicas is the nodes that hold a token of a keyspace, as indices of Nodes; all data centres, in the order of placement.
func (r *Ring) Replicas(keyspace string, t ring.Token) []int32 {
	return r.Placement(keyspace).Replicas(t)
}

// readRing asks one node, since the peers of another lack that one and hold this one.
func readRing(ctx context.Context, g *gocql.Session, node string) (*Ring, error) {
	ctx = On(ctx, node)
	r := &Ring{keyspaces: map[string]ring.Replication{}, placed: map[string]*ring.Placement{}}
	if err := r.readLocal(g.Query("SELECT host_id, data_center, rack, tokens, rpc_address, partitioner FROM system.local WHERE key = 'local'").WithContext(ctx).Consistency(gocql.One)); err != nil {
		return nil, err
	}
	err := r.readPeers(g.Query("SELECT host_id, data_center, rack, tokens, native_address, native_port FROM system.peers_v2").WithContext(ctx).Consistency(gocql.One))
	if Classify(err) == Lasting { // before 4.0
		err = r.readPeers(g.Query("SELECT host_id, data_center, rack, tokens, rpc_address, schema_version FROM system.peers").WithContext(ctx).Consistency(gocql.One))
	}
	if err != nil {
		return nil, fmt.Errorf("read the ring: %w", err)
	}
	if err := r.readKeyspaces(g.Query("SELECT keyspace_name, replication FROM system_schema.keyspaces").WithContext(ctx).Consistency(gocql.One)); err != nil {
		return nil, fmt.Errorf("read the keyspaces: %w", err)
	}
	slices.SortFunc(r.Nodes, func(a, b ring.Node) int { return strings.Compare(a.ID, b.ID) })
	r.Version = r.version()
	return r, nil
}

func (r *Ring) readLocal(q *gocql.Query) error {
	var id gocql.UUID
	var dc, rack, partitioner string
	var tokens []string
	var address net.IP
	if err := q.Scan(&id, &dc, &rack, &tokens, &address, &partitioner); err != nil {
		return fmt.Errorf("read the ring: %w", err)
	}
	if !strings.HasSuffix(partitioner, "Murmur3Partitioner") {
		return permanent(nil, "the cluster uses the partitioner %s: only Murmur3Partitioner is supported", partitioner)
	}
	r.DC = dc
	return r.add(id, dc, rack, tokens, net.JoinHostPort(address.String(), "0"))
}

// readPeers leaves out peers that are no members: those without an ID or tokens are leftovers of gossip.
func (r *Ring) readPeers(q *gocql.Query) error {
	iter := q.Iter()
	port := new(int)
	last := any(port)
	if strings.Contains(q.String(), "schema_version") {
		last = new(gocql.UUID)
	}
	for {
		var id gocql.UUID
		var dc, rack string
		var tokens []string
		var address net.IP
		if !iter.Scan(&id, &dc, &rack, &tokens, &address, last) {
			return iter.Close()
		}
		if id == (gocql.UUID{}) || len(tokens) == 0 {
			continue
		}
		if err := r.add(id, dc, rack, tokens, net.JoinHostPort(address.String(), strconv.Itoa(*port))); err != nil {
			return err
		}
	}
}

func (r *Ring) add(id gocql.UUID, dc, rack string, tokens []string, address string) error {
	n := ring.Node{ID: id.String(), Address: address, DC: dc, Rack: rack}
	for _, t := range tokens {
		v, err := strconv.ParseInt(t, 10, 64)
		if err != nil {
			return fmt.Errorf("token %q of node %s is no number", t, address)
		}
		n.Tokens = append(n.Tokens, ring.Token(v))
	}
	slices.Sort(n.Tokens)
	r.Nodes = append(r.Nodes, n)
	return nil
}

// readKeyspaces skips those whose replication cannot be read: a class of somebody's own.
func (r *Ring) readKeyspaces(q *gocql.Query) error {
	iter := q.Iter()
	for {
		var name string
		var options map[string]string
		if !iter.Scan(&name, &options) {
			return iter.Close()
		}
		if rep, err := ring.ParseReplication(options); err == nil {
			r.keyspaces[name] = rep
		}
	}
}

func (r *Ring) version() uint64 {
	h := fnv.New64a()
	for _, n := range r.Nodes {
		fmt.Fprintln(h, n)
	}
	for _, k := range r.Keyspaces() {
		fmt.Fprintln(h, k, r.keyspaces[k]) // maps print in the order of their keys
	}
	return h.Sum64()
}
