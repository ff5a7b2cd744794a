package registry

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill/dstream"
)

func plain(s *httptest.Server) { s.Start() }

func TestRecords(t *testing.T) {
	f := newFake(t, plain)
	f.answers = map[string]string{
		"/schemas/ids/1":             `{"schema": "one"}`,
		"/schemas/ids/4294967295":    `{"schema": "last", "schemaType": "AVRO", "id": 4294967295, "more": [1]}`,
		"/schemas/ids/3":             `{"schema": "broken"}`,
		"/schemas/ids/4":             `{"schema": "x", "schemaType": "PROTOBUF"}`,
		"/schemas/ids/5":             `{"schema": "five", "references": [{"name": "b", "subject": "b/s", "version": 2}, {"name": "c", "subject": "c", "version": 1}]}`,
		"/subjects/b%2Fs/versions/2": `{"schema": "B", "subject": "b/s", "version": 2, "references": [{"name": "c", "subject": "c", "version": 1}]}`,
		"/subjects/c/versions/1":     `{"schema": "C"}`,
		"/schemas/ids/6":             `{"schema": "six", "references": [{"name": "gone", "subject": "gone", "version": 9}]}`,
		"/schemas/ids/7":             `{"schema": "seven", "references": [{"name": "r", "subject": "r0", "version": 1}]}`,
		"/schemas/ids/8":             `{"schema": "eight", "schemaType": "JSON"}`,
	}
	for i := range 40 {
		f.answers[fmt.Sprintf("/subjects/r%d/versions/1", i)] = fmt.Sprintf(`{"schema": "R", "references": [{"name": "r", "subject": "r%d", "version": 1}]}`, i+1)
	}
	d := decoder(t, url.Values{"registry": {f.URL + "/"}, "max_record": {"20"}})
	for range 2 {
		for _, c := range []struct {
			rec  []byte
			want string
		}{
			{header(1, "x"), "one:x"},
			{header(1, ""), "one:"},
			{header(4294967295, "x"), "last:x"},
			{header(1, "bad"), "!is not liked by the plan"},
			{header(3, "x"), "!schema id 3: cannot be read"},
			{header(4, "x"), "!schema id 4 is a schema of type PROTOBUF, not AVRO: use format=protobuf"},
			{header(8, "x"), "!schema id 8 is a schema of type JSON, not AVRO"},
			{header(5, "x"), "five+c=C+b=B:x"},
			{header(6, "x"), `!schema id 6: version 9 of subject "gone", which it refers to, is not in the registry`},
			{header(7, "x"), "!schema id 7: its references are deeper than 32"},
			{header(17, "x"), "!schema id 17 is not in the registry " + f.URL + ` (40403: "Schema 17 not found")`},
			{[]byte{0, 0, 0, 1}, "!has 4 bytes, too few for the header"},
			{[]byte(`{"a":1}`), "!begins with byte 0x7b, not with the header"},
			{nil, "!has 0 bytes"},
			{header(1, "0123456789abcdef"), "!longer than 20 bytes; the parameter max_record allows more"},
		} {
			got, err := decode(t, d, c.rec)
			if err != nil || !strings.HasPrefix(got, c.want) {
				t.Errorf("%x: %q %v, want %q", c.rec, got, err, c.want)
			}
		}
	}
	if f.accept != accept {
		t.Errorf("Accept: %s", f.accept)
	}
	if n := f.asked.Load(); n > 60 {
		t.Errorf("asked %d times: answers are not kept", n)
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.avsc")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := decode(t, decoder(t, url.Values{"schema": {path}}), []byte("x")); got != "text:x" || err != nil {
		t.Error(got, err)
	}
	d := decoder(t, url.Values{"schema": {path}, "registry": {"http://127.0.0.1:1"}}) // which is not asked
	if got, err := decode(t, d, header(9, "x")); got != "text:x" || err != nil {
		t.Error(got, err)
	}
	if got, _ := decode(t, d, []byte("x")); !strings.Contains(got, "too few for the header") {
		t.Error(got)
	}
}

// TestAway: a registry that is away is waited for, and what is waited for is told.
func TestAway(t *testing.T) {
	f := newFake(t, plain)
	f.answers["/schemas/ids/1"] = `{"schema": "one"}`
	f.status = http.StatusServiceUnavailable
	d := decoder(t, url.Values{"registry": {f.URL}})

	got, err := decode(t, d, header(1, "x")) // nobody said how long
	if got != "" || err == nil || errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), "answers 503 Service Unavailable, 4 times") {
		t.Error(got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	what := make(chan string, 1)
	d.Use(watched(ctx, what))
	go func() {
		if s := <-what; s != "schema registry "+f.URL+": answers 503 Service Unavailable" {
			t.Error(s)
		}
		f.set(func() { f.status = 0 })
	}()
	if got, err := decode(t, d, header(1, "x")); got != "one:x" || err != nil {
		t.Error(got, err)
	}
	f.CloseClientConnections()
	f.Close()
	go func() {
		if s := <-what; !strings.Contains(s, "refused") {
			t.Error(s)
		}
		cancel()
	}()
	if got, err := decode(t, d, header(2, "x")); got != "" || !errors.Is(err, context.Canceled) {
		t.Error(got, err)
	}
	if err := d.Check(t.Context()); err != nil {
		t.Error("a registry that is away is no error of Check:", err)
	}
}

// TestPermanent: what somebody has to mend ends the job, and shows no password.
func TestPermanent(t *testing.T) {
	f := newFake(t, plain)
	f.password = "secret"
	address := strings.Replace(f.URL, "://", "://ada:wrong@", 1)
	d := decoder(t, url.Values{"registry": {address}})
	d.Use(t.Context())
	_, err := decode(t, d, header(1, "x"))
	for _, err := range []error{err, d.Check(t.Context())} {
		if !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), "answers 401 Unauthorized: check the user and password") ||
			strings.Contains(err.Error(), "wrong") || strings.Contains(err.Error(), "ada") {
			t.Error(err)
		}
	}
	right := decoder(t, url.Values{"registry": {strings.Replace(f.URL, "://", "://ada:secret@", 1)}})
	if err := right.Check(t.Context()); err != nil {
		t.Error(err)
	}
	f.password = ""
	for body, want := range map[string]string{
		"<html>": "answers with something that is no schema", "{}": "answers with something that is no schema",
		`{"schema": "` + strings.Repeat("x", maxAnswer) + `"}`: "answers with more than 8388608 bytes",
	} {
		f.answers["/schemas/ids/1"] = body
		if _, err := decode(t, decoder(t, url.Values{"registry": {f.URL}}), header(1, "x")); !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v", body, err)
		}
	}
	for _, status := range []int{http.StatusMovedPermanently, http.StatusNotFound, http.StatusBadRequest} {
		f.status = status
		if _, err := decode(t, decoder(t, url.Values{"registry": {f.URL}}), header(1, "x")); !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), "is it the address of a schema registry?") {
			t.Error(status, err)
		}
	}
}

func TestTLS(t *testing.T) {
	f := newFake(t, func(s *httptest.Server) { s.StartTLS() })
	f.answers["/schemas/ids/1"] = `{"schema": "one"}`
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := decode(t, decoder(t, url.Values{"registry": {f.URL}, "registry_ca": {ca}}), header(1, "x")); got != "one:x" || err != nil {
		t.Error(got, err)
	}
	d := decoder(t, url.Values{"registry": {f.URL}})
	_, err := decode(t, d, header(1, "x"))
	for _, err := range []error{err, d.Check(t.Context())} {
		if !errors.Is(err, dstream.ErrPermanent) || !strings.Contains(err.Error(), "registry_ca=") {
			t.Error(err)
		}
	}
}

// TestOneQuestion: of many decoders that meet an id one asks, also if the one that asked first gives up.
func TestOneQuestion(t *testing.T) {
	f := newFake(t, plain)
	f.answers["/schemas/ids/1"] = `{"schema": "one"}`
	f.hold, f.arrived = make(chan struct{}), make(chan struct{}, 1)
	made, err := open(t, url.Values{"registry": {f.URL}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error)
	d := made().(*records)
	d.Use(ctx)
	go func() {
		_, err := decode(t, d, header(1, "x"))
		first <- err
	}()
	<-f.arrived
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d := made().(*records)
			d.Use(t.Context())
			if got, err := decode(t, d, header(1, "x")); got != "one:x" || err != nil {
				t.Error(got, err)
			}
		})
	}
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(f.hold)
	all.Wait()
	if n := f.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2: of the one that gave up, and once for the eight", n)
	}
}

// TestKept: an unknown id is asked for again after a while, a known one never, and of many ids the oldest is forgotten.
func TestKept(t *testing.T) {
	now, asked, known := time.Unix(0, 0), 0, false
	p := newPlans(func(_ context.Context, id uint32) (*Schema, error) {
		asked++
		if !known {
			return nil, &unknownError{"unknown"}
		}
		return &Schema{Text: fmt.Sprint(id)}, nil
	}, compileText)
	p.now = func() time.Time { return now }
	get := func(id uint32, want string, questions int) {
		t.Helper()
		plan, reason, err := p.get(t.Context(), id)
		if plan != nil {
			reason = plan.(idPlan).text
		}
		if reason != want || err != nil || asked != questions {
			t.Errorf("%q %v, asked %d times, want %q, %d", reason, err, asked, want, questions)
		}
	}
	get(1, "unknown", 1)
	known = true
	now = now.Add(unknownFor)
	get(1, "unknown", 1)
	now = now.Add(1)
	get(1, "1", 2)
	now = now.Add(1000 * unknownFor)
	get(1, "1", 2)
	for i := range maxPlans {
		get(uint32(i+2), fmt.Sprint(i+2), i+3)
	}
	get(maxPlans, fmt.Sprint(maxPlans), maxPlans+2)
	if len(p.made) != maxPlans || len(p.order) != maxPlans {
		t.Errorf("%d kept", len(p.made))
	}
	get(1, "1", maxPlans+3)
}

func TestParameters(t *testing.T) {
	for _, c := range []struct {
		q    url.Values
		want string
	}{
		{url.Values{}, "format=avro needs schema=, a file, or registry=, the address of a schema registry"},
		{url.Values{"registry": {"ftp://h"}}, "parameter registry: want http(s)://"},
		{url.Values{"registry": {"http://u:hidden@h:x"}}, "parameter registry: want http(s)://"},
		{url.Values{"registry": {"http://h?x=1"}}, "parameter registry: want"},
		{url.Values{"registry": {"http://h"}, "registry_ca": {"x"}}, "mean nothing without registry=https://"},
		{url.Values{"registry": {"https://h"}, "registry_ca": {"/does/not/exist"}}, "registry_ca=/does/not/exist"},
		{url.Values{"registry": {"https://h"}, "registry_cert": {"x"}}, "registry_cert and key belong together"},
		{url.Values{"registry": {"https://u:hidden@h"}, "regstry": {"x"}}, "parameter regstry is not known with format=avro: valid are format, max_record, time, schema, registry, registry_ca, registry_cert, registry_key, group"},
		{url.Values{"schema": {"a", "b"}}, "parameter schema is given 2 times"},
		{url.Values{"schema": {"a"}, "time": {"h"}}, "time=h: want s, ms, us or ns"},
		{url.Values{"schema": {"a"}, "max_record": {"257MiB"}}, "want a number of bytes from 1 to 256MiB"},
		{url.Values{"schema": {"/does/not/exist"}, "group": {"g"}}, "schema=/does/not/exist: open"},
		{url.Values{"registry": {"https://u:p@h/base"}, "group": {"g"}, "max_record": {"2MiB"}, "time": {"us"}}, ""},
	} {
		_, err := open(t, c.q)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("%v: %v, want %q", c.q, err, c.want)
		}
	}
}

func TestHide(t *testing.T) {
	u := &url.URL{Scheme: "kafka", Host: "b", RawQuery: url.Values{"registry": {"https://ada:secret@h"}, "group": {"g"}}.Encode()}
	if s := Hide(u).String(); strings.Contains(s, "secret") || !strings.Contains(s, "ada") || !strings.Contains(s, "group=g") {
		t.Error(s)
	}
	for _, q := range []string{"", "a=1", "registry=%3A%3Asecret"} {
		if s := Hide(&url.URL{RawQuery: q}).String(); strings.Contains(s, "secret") {
			t.Error(s)
		}
	}
}
