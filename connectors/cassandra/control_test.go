package cassandra

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/connectors/cassandra/internal/fakecql"
	"github.com/tidemill/tidemill/dstream"
)

// A run starts if it goes on where the last one was, and no other does.
func TestStart(t *testing.T) {
	hour := int64(3600e6)
	for _, c := range []struct {
		name         string
		epoch, batch int64
		ts           int64 // beside that of batch 5, which was written last by epoch 2
		want         string
	}{
		{"the batch behind", 2, 6, 1000, ""},
		{"the same again", 2, 5, 0, ""},
		{"planned anew", 3, 5, 1000, ""},
		{"started over", 2, 1, hour, ""},
		{"started over with a clock behind", 2, 1, -hour, "set it, or wait; or else name another table, or empty this one and forget its mark: DELETE FROM ks.tidemill_sinks WHERE job = 'job' AND sink = 'out'"},
		{"a clock an hour back", 3, 6, -hour, "be older than what is there"},
		{"overtaken", 1, 6, 1000, "epoch 2 of job job has written to sink out, so epoch 1 may not"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fakecql.Start(t, fakecql.Options{})
			f.Exec(t, viewTable)
			s := opened[view](t, on(f, "ks.t"))
			last := writeOf(5)
			last.Epoch = 2
			if err := errors.Join(s.Start(t.Context(), last), s.Finish(t.Context(), last, nil)); err != nil {
				t.Fatal(err)
			}
			next := writeOf(5)
			next.Epoch, next.Batch, next.Timestamp = c.epoch, c.batch, next.Timestamp+c.ts
			err := s.Start(t.Context(), next)
			if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !errors.Is(err, dstream.ErrPermanent)) {
				t.Errorf("got %v", err)
			}
			if _, err := s.Write(t.Context(), next, chunks([]view{{K: "a", C: 1}}, 1)); (err != nil) != (c.name == "overtaken") {
				t.Errorf("the write: %v", err)
			}
		})
	}
}

// Marks are of a job, a sink and a table; those of older batches are not seen beside newer ones.
func TestMarks(t *testing.T) {
	f := fakecql.Start(t, fakecql.Options{})
	f.Exec(t, viewTable)
	f.Exec(t, strings.Replace(viewTable, "ks.t", "ks.other", 1))
	s := opened[view](t, on(f, "ks.t"))
	other := opened[view](t, on(f, "ks.other"))
	for _, n := range []int64{1, 3, 2} { // without Start, and out of order
		if err := s.Finish(t.Context(), writeOf(n), nil); err != nil {
			t.Fatal(err)
		}
	}
	if m, found, err := s.control.read(t.Context(), writeOf(9)); err != nil || !found || m != (mark{3, writeOf(3).Timestamp, 1}) {
		t.Errorf("got %+v, %v, %v", m, found, err)
	}
	if m, found, err := other.control.read(t.Context(), writeOf(9)); err != nil || found {
		t.Errorf("another table has the mark %+v, %v", m, err)
	}
}

// Who may not make the table is told what to have typed.
func TestStartWithoutTheRight(t *testing.T) {
	f := fakecql.Start(t, fakecql.Options{})
	f.Exec(t, viewTable)
	s := opened[view](t, on(f, "ks.t"))
	f.Script(func(r fakecql.Request) fakecql.Answer {
		if strings.HasPrefix(r.Text, "CREATE") {
			return fakecql.Answer{Code: 0x2100, Text: "User mill has no CREATE permission on <keyspace ks>"}
		}
		return fakecql.Answer{}
	})
	err := s.Start(t.Context(), writeOf(1))
	if !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(fmt.Sprint(err), "have somebody who may type: CREATE TABLE IF NOT EXISTS ks.tidemill_sinks (job text,") {
		t.Errorf("got %v", err)
	}
}

// What is wrong with an URL or a table is told when the sink is opened.
func TestOpenRefuses(t *testing.T) {
	leakFree(t)
	f := fakecql.Start(t, fakecql.Options{})
	f.Exec(t, viewTable)
	f.Exec(t, "CREATE TABLE ks.counts (k text, c int, v counter, PRIMARY KEY ((k), c))")
	f.Exec(t, "CREATE TABLE ks.narrow (k text, c int, PRIMARY KEY ((k), c))")
	for url, want := range map[string]string{
		on(f, "t"):                            "name the table",
		on(f, "ks.t.x"):                       "name the table",
		"cassandra:///ks.t":                   "name a host",
		on(f, "ks.t?nulls=maybe"):             "one of unset, write",
		on(f, "ks.t?consistency=any"):         "consistency=any",
		on(f, "ks.t?ttl=1500ms"):              "whole seconds",
		on(f, "ks.t?tll=5s"):                  `unknown parameter "tll"`,
		on(f, "ks.t?ca=x"):                    "add tls=true",
		on(f, "ks.nothing"):                   "create=true",
		on(f, "nowhere.t"):                    "there is no keyspace",
		on(f, "ks.counts"):                    "counters can only be added to",
		on(f, "ks.narrow"):                    "it lacks the column v",
		"cassandra://127.0.0.1:1/ks.t":        "nobody listens there",
		"cassandra://u:secret@127.0.0.1:1/ks": "name the table",
	} {
		s, err := openSink(endpointOf[view](t, url))
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %s", url, err, want)
		}
	}
}

// create=true makes the table, once.
func TestCreate(t *testing.T) {
	f := fakecql.Start(t, fakecql.Options{})
	for range 2 {
		s := opened[view](t, on(f, "ks.t?create=true"))
		put(t, s, 1, view{K: "a", C: 1, V: ptr("x")})
	}
	wants(t, f, "a/1 x -")
}

func TestTTLTags(t *testing.T) {
	f := fakecql.Start(t, fakecql.Options{})
	f.Exec(t, viewTable)
	refused := func(e dstream.Endpoint, want string) {
		t.Helper()
		s, err := openSink(e)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	type number struct {
		K string `col:"k"`
		C int32  `col:"c"`
		T int64  `cassandra:"ttl"`
	}
	type other struct {
		K string `col:"k"`
		C int32  `col:"c" cassandra:"counter"`
	}
	refused(endpointOf[number](t, on(f, "ks.t")), "it must be a time.Duration")
	refused(endpointOf[other](t, on(f, "ks.t")), `known is cassandra:"ttl"`)
}
