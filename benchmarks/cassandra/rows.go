package cassandra

import (
	"fmt"
	"time"

	"github.com/gocql/gocql"
)

// Row is what is written: 60 bytes.
type Row struct {
	Bucket int64  `col:"bucket,partition"`
	Seq    int32  `col:"seq,key"`
	Body   string `col:"body"` // 40 bytes
	Run    int64  `col:"run"`
}

const (
	rowsOfPartition = 100
	keyspace        = "bench"
	table           = keyspace + ".rows"
	insert          = "INSERT INTO " + table + " (bucket, seq, body, run) VALUES (?, ?, ?, ?)"
)

// body is the text of a row, which tells where it belongs.
func body(bucket int64, seq int32) string {
	return fmt.Sprintf("%019d/%08d/tidemillrow", bucket, seq)
}

// newRows makes n rows, partition after partition.
func newRows(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		bucket, seq := int64(i/rowsOfPartition), int32(i%rowsOfPartition)
		rows[i] = Row{Bucket: bucket, Seq: seq, Body: body(bucket, seq)}
	}
	return rows
}

// stamp makes the rows those of a run.
func stamp(rows []Row, run int64) {
	for i := range rows {
		rows[i].Run = run
	}
}

// connect opens a session that waits so long for more to send: 0 is best for batches, gocql's default of 200 µs for single statements.
func connect(hosts []string, port int, keyspace string, coalesce time.Duration) (*gocql.Session, error) {
	c := gocql.NewCluster(hosts...)
	c.Port, c.Keyspace, c.NumConns, c.ProtoVersion = port, keyspace, 2, 4
	c.Timeout, c.ConnectTimeout = 30*time.Second, 10*time.Second
	c.Consistency, c.DefaultIdempotence = gocql.LocalQuorum, true
	c.WriteCoalesceWaitTime = coalesce
	c.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	s, err := c.CreateSession()
	if err != nil {
		return nil, fmt.Errorf("connect to %v: %w", hosts, err)
	}
	return s, nil
}

func makeTable(hosts []string, port int) error {
	s, err := connect(hosts, port, "", 0)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, text := range []string{
		"CREATE KEYSPACE IF NOT EXISTS " + keyspace + " WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
		"CREATE TABLE IF NOT EXISTS " + table + " (bucket bigint, seq int, body text, run bigint, PRIMARY KEY (bucket, seq))",
	} {
		if err := s.Query(text).Exec(); err != nil {
			return fmt.Errorf("make the table: %w", err)
		}
	}
	return nil
}

// check scans the table: n rows, each of this run.
func check(s *gocql.Session, n int, run int64) error {
	seen := make([]bool, n)
	got := 0
	all := s.Query("SELECT bucket, seq, body, run FROM " + table).PageSize(5000).Consistency(gocql.One).Iter()
	var r Row
	for all.Scan(&r.Bucket, &r.Seq, &r.Body, &r.Run) {
		at := r.Bucket*rowsOfPartition + int64(r.Seq)
		if at < 0 || at >= int64(n) || r.Seq < 0 || r.Seq >= rowsOfPartition || seen[at] || r.Body != body(r.Bucket, r.Seq) || r.Run != run {
			all.Close()
			return fmt.Errorf("the table has %+v, which nobody wrote in run %d", r, run)
		}
		seen[at], got = true, got+1
	}
	if err := all.Close(); err != nil {
		return fmt.Errorf("scan the table: %w", err)
	}
	if got != n {
		return fmt.Errorf("the table has %d rows of run %d, %d were written", got, run, n)
	}
	return nil
}
