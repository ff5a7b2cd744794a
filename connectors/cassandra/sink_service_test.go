package cassandra

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gocql/gocql"
	"github.com/tidemill/tidemill/connectors/servicetest"
)

// sinkAt is the URL of a table of a cluster.
func sinkAt(c *servicetest.CassandraCluster, user, table, parameters string) string {
	var hosts []string
	for _, h := range c.Hosts() {
		hosts = append(hosts, fmt.Sprintf("%s:%d", h, c.Port()))
	}
	return fmt.Sprintf("cassandra://%s%s/%s?%s", user, strings.Join(hosts, ","), table, parameters)
}

// everything is a row with fields of all kinds.
type everything struct {
	ID       string           `col:"id,partition"`
	N        int32            `col:"n,key"`
	Bool     bool             `col:"bool"`
	Tiny     int8             `col:"tiny"`
	Unsigned uint64           `col:"unsigned"`
	Real     float64          `col:"real"`
	Bytes    []byte           `col:"bytes"`
	At       time.Time        `col:"at"`
	Took     time.Duration    `col:"took"`
	Key      [16]byte         `col:"uuid"`
	List     []int32          `col:"list"`
	Map      map[string]int64 `col:"Map"`
	Text     *string          `col:"select"`
	Life     *time.Duration   `cassandra:"ttl"`
}

// A table that is made for a row type holds its values, as another driver reads them.
func TestEveryKindOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	keyspace := c.Keyspace(t)
	s := opened[everything](t, sinkAt(c, "", keyspace+".kinds", "create=true"))
	rows := []everything{
		{ID: "a"},
		{"b", -1, true, -128, 1<<64 - 1, 0.1, []byte{0, 255}, time.UnixMilli(1_700_000_000_123).UTC(), time.Hour, [16]byte{1, 2}, []int32{1, -2},
			map[string]int64{"x": 1, "": 2}, ptr("ünïcödé"), ptr(90 * time.Minute)},
	}
	put(t, s, 1, rows...)
	r := reading(t, fmt.Sprintf("%s:%d", c.Hosts()[0], c.Port()), keyspace)
	for i, want := range rows {
		var got everything
		var ttl *int
		var key gocql.UUID
		var unsigned string
		err := r.Query(`SELECT id, n, bool, tiny, CAST(unsigned AS text), real, bytes, at, took, uuid, list, "Map", "select", ttl(bool) FROM kinds WHERE id = ?`, want.ID).
			Scan(&got.ID, &got.N, &got.Bool, &got.Tiny, &unsigned, &got.Real, &got.Bytes, &got.At, (*int64)(&got.Took), (*[16]byte)(&key), &got.List, &got.Map, &got.Text, &ttl)
		if err != nil {
			t.Fatal(err)
		}
		got.Key, got.At, got.Life = key, got.At.UTC(), want.Life
		if _, err := fmt.Sscan(unsigned, &got.Unsigned); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // empty and nil are one to Cassandra, and not to reflect
			got.Bytes, got.List, got.Map = slices.Clip(got.Bytes[:0:0]), nil, nil
			want.Bytes = got.Bytes
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if (ttl == nil) != (want.Life == nil) || ttl != nil && (*ttl > 5400 || *ttl < 5300) {
			t.Errorf("row %d lives %v seconds", i, ttl)
		}
	}
}

// The timestamps of cells are those of the batch, and a row whose life is the URL's has it.
func TestTimestampsOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{})
	keyspace := c.Keyspace(t)
	r := c.Session(t, keyspace)
	exec(t, r, viewTableIn(keyspace))
	s := opened[view](t, sinkAt(c, "", keyspace+".t", "ttl=1h"))
	put(t, s, 7, view{K: "a", C: 1, V: ptr("x")})
	var at int64
	var ttl int
	if err := r.Query("SELECT writetime(v), ttl(v) FROM t WHERE k = 'a'").Scan(&at, &ttl); err != nil || at != writeOf(7).Timestamp+1 || ttl < 3500 || ttl > 3600 {
		t.Errorf("written at %d, lives %d s, %v", at, ttl, err)
	}
	put(t, s, 8, view{K: "a", C: 1, Gone: true}, view{K: "a", C: 1, N: ptr(int64(5))}) // the delete comes first, at the same time
	var v *string
	var n *int64
	if err := r.Query("SELECT v, n FROM t WHERE k = 'a'").Scan(&v, &n); err != nil || v != nil || n == nil || *n != 5 {
		t.Errorf("got %v %v %v", v, n, err)
	}
}

func viewTableIn(keyspace string) string { return strings.Replace(viewTable, "ks.t", keyspace+".t", 1) }

// stream writes batches until it is told to stop, and returns the rows that should be there.
func stream(t *testing.T, s *Sink, stop <-chan struct{}) (want []string) {
	for batch := int64(1); ; batch++ {
		var rows []view
		for i := range 300 {
			v := view{K: fmt.Sprint("k", batch%7, "-", i%30), C: int32(i), V: ptr(fmt.Sprint(batch))}
			rows = append(rows, v)
		}
		put(t, s, batch, rows...)
		if err := s.Finish(t.Context(), writeOf(batch), nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, asStrings(rows)...)
		select {
		case <-stop:
			return want
		default:
		}
	}
}

func asStrings(rows []view) (out []string) {
	for _, r := range rows {
		out = append(out, r.String())
	}
	return out
}

// last keeps the last row of each key.
func last(rows []string) []string {
	byKey := map[string]string{}
	for _, r := range rows {
		key, _, _ := strings.Cut(r, " ")
		byKey[key] = r
	}
	var out []string
	for _, r := range byKey {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

func stored(t *testing.T, g *gocql.Session, table string) (out []string) {
	rows := g.Query("SELECT k, c, v, n FROM " + table).Consistency(gocql.All).Iter()
	var v view
	for rows.Scan(&v.K, &v.C, &v.V, &v.N) {
		out = append(out, v.String())
		v = view{}
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// onlooker is a session for clusters whose nodes come and go: it does without the events after which gocql sleeps for 10 s.
func onlooker(t *testing.T, c *servicetest.CassandraCluster) *gocql.Session {
	t.Helper()
	config := c.Config()
	config.Events.DisableNodeStatusEvents = true
	g, err := config.CreateSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// A node that is killed, comes back, is paused and goes on while batches are written costs no row, and nobody notices but by the time.
func TestNodesFailDuringWrites(t *testing.T) {
	if testing.Short() {
		t.Skip("three nodes")
	}
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{Nodes: 3, Own: true})
	keyspace := c.Keyspace(t)
	g := onlooker(t, c)
	exec(t, g, viewTableIn(keyspace))
	s := opened[view](t, sinkAt(c, "", keyspace+".t", "timeout=3s"))
	if err := s.Start(t.Context(), writeOf(1)); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan []string, 1)
	var w sync.WaitGroup
	w.Go(func() { done <- stream(t, s, stop) })
	for _, step := range []func() error{
		func() error { return c.Kill(1) },
		func() error { return c.Start(1) },
		func() error { return c.Pause(2) },
		func() error { return written(t, s, 3) },
		func() error { return c.Resume(2) },
	} {
		if err := written(t, s, 2); err != nil {
			t.Fatal(err)
		}
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	w.Wait()
	if got, want := stored(t, g, keyspace+".t"), last(<-done); !slices.Equal(got, want) {
		t.Errorf("%d rows are there, %d were written", len(got), len(want))
	}
}

// written waits until so many more batches are finished.
func written(t *testing.T, s *Sink, more int64) error {
	first := int64(-1)
	for {
		m, _, err := s.control.read(t.Context(), writeOf(1))
		if err != nil {
			return err
		}
		if first < 0 {
			first = m.batch
		}
		if m.batch >= first+more {
			return nil
		}
	}
}

// With one node there is nobody else to ask: writes wait until it is back.
func TestTheOnlyNodeIsKilled(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{Own: true})
	keyspace := c.Keyspace(t)
	exec(t, onlooker(t, c), viewTableIn(keyspace))
	s := opened[view](t, sinkAt(c, "", keyspace+".t", ""))
	put(t, s, 1, view{K: "a", C: 1})
	if err := c.Kill(0); err != nil {
		t.Fatal(err)
	}
	ctx, said := watchWaits(t.Context())
	done := make(chan error, 1)
	rows, want := someViews(500)
	go func() {
		_, err := s.Write(ctx, writeOf(2), chunks(rows, 100))
		done <- err
	}()
	<-said.told
	if err := c.Start(0); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if got := stored(t, onlooker(t, c), keyspace+".t"); !slices.Equal(got, append([]string{"a/1 - -"}, want...)) {
		t.Errorf("%d rows are there", len(got))
	}
}

// With TLS and passwords everything works, and what is wrong with them is said at once.
func TestSecurityOnCassandra(t *testing.T) {
	c := servicetest.Cassandra(t, servicetest.CassandraOptions{TLS: true, Auth: true})
	keyspace := c.Keyspace(t)
	exec(t, c.Session(t, ""), viewTableIn(keyspace))
	user := url.UserPassword(c.User(), c.Password()).String() + "@"
	s := opened[view](t, sinkAt(c, user, keyspace+".t", "tls=true&ca="+c.CA()))
	put(t, s, 1, view{K: "a", C: 1})
	cert, _ := c.Certificate()
	for _, r := range []struct{ user, parameters, want string }{
		{url.UserPassword(c.User(), "wrong").String() + "@", "tls=true&ca=" + c.CA(), "refuses user"},
		{"", "tls=true&ca=" + c.CA(), "wants a login"},
		{user, "tls=true", "does not vouch for"},
		{user, "tls=true&server_name=elsewhere.example&ca=" + c.CA(), "certificate for another host"},
		{user, "", "if it wants TLS, add tls=true"},
		{user, "tls=true&ca=" + cert + "x", "no such file"},
	} {
		_, err := openSink(endpointOf[view](t, sinkAt(c, r.user, keyspace+".t", r.parameters)))
		if err == nil || !strings.Contains(err.Error(), r.want) || strings.Contains(err.Error(), c.Password()) {
			t.Errorf("%s: got %v, want %s", r.parameters, err, r.want)
		}
	}
}
