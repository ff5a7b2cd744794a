package kafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connectors/servicetest"
	"github.com/tidemill/tidemill/dstream"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The same on real brokers: what a fake may get wrong.
func TestRealTransactions(t *testing.T) {
	c := servicetest.Kafka(t, servicetest.KafkaOptions{})
	c.Topic(t, "source-tx", 2)
	plain, tx := producer(t, c.Addresses()), producer(t, c.Addresses(), kgo.TransactionalID("source-tx"))
	var want []string
	for i := range 60 {
		values := texts("source-tx", int32(i%2), fmt.Sprintf("%d-a", i), fmt.Sprintf("%d-b", i))
		switch i % 3 {
		case 0:
			put(t, plain, values...)
		case 1:
			transaction(t, tx, kgo.TryCommit, values...)
		default:
			transaction(t, tx, kgo.TryAbort, values...)
			continue
		}
		want = append(want, string(values[0].Value), string(values[1].Value))
	}
	slices.Sort(want)
	for _, parameters := range []string{"", "?fetch_bytes=1024&split=7"} {
		s := source[string](t, c.Addresses(), "source-tx"+parameters)
		out, r := must[string](t, s, nil)
		if rows := slices.Sorted(slices.Values(out.rows)); !slices.Equal(rows, want) {
			t.Errorf("%q: %d rows, want %d: %q", parameters, len(rows), len(want), rows)
		}
		if out, _ = must[string](t, s, r.To); len(out.rows) != 0 || r.Note != "" || r.Lag != 0 {
			t.Errorf("%q: behind the end: %q, note %q", parameters, out.rows, r.Note)
		}
	}
	all, _ := must[string](t, source[string](t, c.Addresses(), "source-tx?isolation=uncommitted"), nil)
	if len(all.rows) != 120 {
		t.Errorf("uncommitted: %d rows", len(all.rows))
	}
}

func TestRealCompression(t *testing.T) {
	c := servicetest.Kafka(t, servicetest.KafkaOptions{})
	c.Topic(t, "source-large", 1, "max.message.bytes=4000000")
	large := strings.Repeat("0123456789", 150_000)
	for _, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		p := producer(t, c.Addresses(), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(3<<20))
		put(t, p, texts("source-large", 0, large, "small")...)
	}
	s := source[string](t, c.Addresses(), "source-large?max_record=2MiB&fetch_bytes=65536")
	out, _ := must[string](t, s, nil)
	if len(out.rows) != 10 || out.rows[8] != large || out.rows[9] != "small" {
		t.Errorf("%d rows, bad %d", len(out.rows), len(out.bad))
	}
}

func TestRealLeaderDies(t *testing.T) {
	c := servicetest.Kafka(t, servicetest.KafkaOptions{Brokers: 3})
	c.Topic(t, "source-dies", 3)
	p := producer(t, c.Addresses(), kgo.RequiredAcks(kgo.AllISRAcks()))
	var records []*kgo.Record
	for i := range 30_000 {
		records = append(records, texts("source-dies", int32(i%3), fmt.Sprintf("%05d %0100d", i, i))...)
	}
	put(t, p, records...)
	s := source[string](t, c.Addresses(), "source-dies?fetch_bytes=16384&split=5000")
	r, err := s.Plan(t.Context(), nil, dstream.Limit{Rows: 25_000})
	if err != nil {
		t.Fatal(err)
	}
	half := len(r.Splits) / 2
	first, err := readSplits[string](s, r.Splits[:half])
	if err != nil {
		t.Fatal(err)
	}
	c.Kill(1)
	second, err := readSplits[string](s, r.Splits[half:])
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Concat(first.rows, second.rows)
	for len(rows) < 30_000 { // a partition whose leader is gone comes once it has another
		var more got[string]
		if more, r, err = batch[string](s, r.To, dstream.Limit{}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, more.rows...)
	}
	c.Start(1)
	slices.Sort(rows)
	if len(rows) != 30_000 || len(slices.Compact(rows)) != 30_000 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestRealSecurity(t *testing.T) {
	c := servicetest.Kafka(t, servicetest.KafkaOptions{TLS: true, SASL: true})
	c.Topic(t, "source-secure", 1)
	addr := c.Addresses()[0]
	other := filepath.Join(t.TempDir(), "other.pem")
	err := os.WriteFile(other, otherAuthority(t), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	user := url.UserPassword(c.User(), c.Password()).String()
	wrong := url.UserPassword(c.User(), "not-it").String()
	base := "@" + addr + "/source-secure?tls=true&ca="
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		s, err := trySource[string]("kafka://" + user + base + c.CA() + "&sasl=" + mechanism)
		if err != nil {
			t.Fatalf("%s: %v", mechanism, err)
		}
		if _, _, err := batch[string](s, nil, dstream.Limit{}); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		for _, f := range s.Examine(t.Context()) {
			if f.Severity != dstream.Fine || strings.Contains(f.Text, c.Password()) {
				t.Errorf("%s: %+v", mechanism, f)
			}
		}
		_ = s.Close()
		_, err = trySource[string]("kafka://" + wrong + base + c.CA() + "&sasl=" + mechanism)
		wantError(t, err, true, "user or password are wrong", addr)
		if strings.Contains(err.Error(), "not-it") {
			t.Errorf("the password is in %q", err)
		}
	}
	_, err = trySource[string]("kafka://" + user + base + other)
	wantError(t, err, true, "as ca=", addr)
	_, err = trySource[string]("kafka://" + user + base + c.CA() + "&server_name=elsewhere")
	wantError(t, err, true, "for another host")
	_, err = trySource[string]("kafka://" + user + "@" + addr + "/source-nothing?tls=true&ca=" + c.CA())
	wantError(t, err, true, "no topic \"source-nothing\"")
}

// otherAuthority is the certificate of an authority that nobody else knows.
func otherAuthority(t *testing.T) []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
