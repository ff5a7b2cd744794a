package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"kafka://u:pw@h:9092/t":                               "kafka://u:***@h:9092/t",
		"kafka://u@h:9092/t":                                  "kafka://u@h:9092/t",
		"kafka://h1:9092,h2:9092/t?x=a@b":                     "kafka://h1:9092,h2:9092/t?x=a@b",
		"kafka://u:p/w@h/t":                                   "kafka://u:***@h/t",
		"kafka://u:p?w@h/t":                                   "kafka://u:***@h/t",
		"kafka://u:p#w@h/t":                                   "kafka://u:***@h/t",
		"kafka://u:p@w@h/t":                                   "kafka://u:***@h/t",
		"kafka://u:12/34@h/t":                                 "kafka://u:***@h/t",
		"kafka://u:p@s/s@h/t":                                 "kafka://u:***@h/t",
		"kafka://u:p@s?s@h/t":                                 "kafka://u:***@h/t",
		"kafka://h/t?registry=http%3A%2F%2Fu%3Ap%40r%3A1&x=1": "kafka://h/t?registry=http://u:***@r:1&x=1",
		"http://[::1]:80/x":                                   "http://[::1]:80/x",
		"http://u:${env:PW}@h/x":                              "http://u:${env:PW}@h/x",
		"x:y?sasl.Password=a&b=1&apiToken=c#top":              "x:y?sasl.Password=***&b=1&apiToken=***#top",
		"x:y?pass%77ord=a&secret=${file:/s}":                  "x:y?pass%77ord=***&secret=${file:/s}",
		"x:y?secret=&token":                                   "x:y?secret=&token",
		"%zz://u:p@h":                                         "%zz://u:***@h",
		"":                                                    "",
		"./files":                                             "./files",
	} {
		if got := Redact(in); got != want {
			t.Errorf("Redact(%q) = %q, want %q", in, got, want)
		}
	}
}

// A password never survives, whatever is in it unescaped, and redacting twice changes nothing.
func TestRedactHidesEveryPassword(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pw := rapid.StringMatching(`[a-z0-9:/?#@&=+%-]{0,12}`).Draw(t, "password")
		pw = "PA" + pw + "SS"
		got := Redact("kafka://user:" + pw + "@host:9092/topic?sasl_password=" + pw[:2])
		if strings.Contains(got, "PA") || strings.Contains(got, "SS") {
			t.Fatalf("%q is in %q", pw, got)
		}
		if Redact(got) != got {
			t.Fatalf("%q is redacted again to %q", got, Redact(got))
		}
	})
}

func TestResolve(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("f&g\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PW", "a b@/?#${env:HOME}%")
	t.Setenv("WHOLE", "kafka://h/t?x=1")
	t.Setenv("EMPTY", "")
	ref := "${file:" + secret + "}"
	for _, c := range []struct {
		name, want string
		e          Endpoint
	}{
		{"escaped in a URL", "x://u:a%20b%40%2F%3F%23%24%7Benv%3AHOME%7D%25@h", Endpoint{URL: "x://u:${env:PW}@h"}},
		{"a whole URL as it is", "kafka://h/t?x=1&key=f%26g", Endpoint{URL: "${env:WHOLE}", Params: map[string]string{"key": ref}}},
		{"parameters before the fragment, sorted", "x:y?a=1&b=+#f", Endpoint{URL: "x:y#f", Params: map[string]string{"b": " ", "a": "1"}}},
		{"an empty variable", "x:", Endpoint{URL: "x:${env:EMPTY}"}},
	} {
		if got, err := c.e.Resolve(); err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	for _, bad := range []string{"${env:NO_SUCH_VARIABLE}", "${file:/no/such}", "${file:/dev/zero}", "${x}", "${env:}", "x${env:PW"} {
		if got, err := (Endpoint{URL: bad}).Resolve(); err == nil {
			t.Errorf("%s resolves to %q", bad, got)
		}
	}
}

func TestEndpointPrintsNoSecret(t *testing.T) {
	e := Endpoint{URL: "x://u:pw@h", Params: map[string]string{"token": "t", "secret": "${env:S}"}}
	if got := e.String(); got != "x://u:***@h?secret=${env:S}&token=***" {
		t.Error(got)
	}
}

func TestBytes(t *testing.T) {
	for in, want := range map[string]Bytes{"0": 0, "64MiB": 64 << 20, "1 kb": 1000, "5B": 5, "8gib": 8 << 30} {
		if got, err := ParseBytes(in); err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "64", "-1B", "1.5GiB", "9999999999GiB", "64 QiB", "MiB", "1  B"} {
		if got, err := ParseBytes(bad); err == nil {
			t.Errorf("ParseBytes(%q) = %d", bad, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b := Bytes(rapid.Int64Min(0).Draw(t, "b"))
		if got, err := ParseBytes(b.String()); err != nil || got != b {
			t.Fatalf("%d prints as %s, which reads as %d, %v", b, b, got, err)
		}
	})
}

func TestStartTravels(t *testing.T) {
	t.Chdir(t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z/.]{1,8}`)
		s := Start{
			File: word.Draw(t, "file"), Mode: rapid.SampledFrom([]Mode{ModeRun, ModeExplain, ModeDoctor}).Draw(t, "mode"),
			JobFile: word.Draw(t, "job"), Tell: word.Draw(t, "tell"), Fresh: rapid.Bool().Draw(t, "fresh"),
			Replan: rapid.Bool().Draw(t, "replan"), Takeover: rapid.Bool().Draw(t, "takeover"), AcceptLoss: rapid.Bool().Draw(t, "accept loss"),
		}
		if got, err := StartFrom(s.Environ()); err != nil || got != s {
			t.Fatalf("%+v, %v, want %+v", got, err, s)
		}
	})
	for _, bad := range []string{"TIDEMILL_MODE=fly", "TIDEMILL_FRESH=perhaps", "TIDEMILL_ACCEPT_LOSS=some"} {
		if _, err := StartFrom([]string{bad}); err == nil || !strings.HasPrefix(err.Error(), bad[:10]) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestWithoutStart(t *testing.T) {
	in := []string{"A=1", "TIDEMILL_FRESH=true", "TIDEMILL_ACCEPT_LOSS=true", "TIDEMILL_UI=off", "TIDEMILL_TELL=x", "TIDEMILL_ENGINE=/e"}
	if got := strings.Join(WithoutStart(in), " "); got != "A=1 TIDEMILL_UI=off TIDEMILL_ENGINE=/e" {
		t.Error(got)
	}
}

func TestTellCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tell")
	if err := (Start{Tell: path}).TellCheckpoint("/state/ads"); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "/state/ads" {
		t.Error(string(b), err)
	}
	if err := (Start{}).TellCheckpoint("x"); err != nil {
		t.Error(err)
	}
}

func TestNearest(t *testing.T) {
	for in, want := range map[string]string{"intervall": "interval", "source": "sources", "deadletters": "dead_letters", "xyzzy": ""} {
		if got := Nearest(in, allNames()); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", in, got, want)
		}
	}
}
