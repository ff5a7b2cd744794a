package identity_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill/executor/identity"
)

func TestLoadSaysWhatIsWrong(t *testing.T) {
	c, other := newCA(t), newCA(t)
	foreign := other.issue("ex-1", identity.Executor)
	file := func(content string, mode os.FileMode) string {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, k := range []struct {
		name   string
		change func(o *identity.Options)
		want   []string
	}{
		{"only a secret", func(o *identity.Options) { *o = identity.Options{Secret: o.Secret} }, []string{"CA certificate and certificate and key not given", "driver certs issue"}},
		{"no key", func(o *identity.Options) { o.Key = "" }, []string{"key not given"}},
		{"insecure with files", func(o *identity.Options) { o.Insecure = true }, []string{"insecure contradicts"}},
		{"missing file", func(o *identity.Options) { o.CA += "x" }, []string{"CA certificate: open", "no such file"}},
		{"wrong CA", func(o *identity.Options) { o.CA = foreign.CA }, []string{"is of another CA", "known here are"}},
		{"leaf as a CA", func(o *identity.Options) { o.CA = o.Cert }, []string{"is not of a CA"}},
		{"no PEM", func(o *identity.Options) { o.Cert = file("hello", 0o600) }, []string{"no certificate in it"}},
		{"other key", func(o *identity.Options) { o.Key = foreign.Key }, []string{"is not of certificate"}},
		{"no key in it", func(o *identity.Options) { o.Key = o.Cert }, []string{"no private key in it"}},
		{"open key", func(o *identity.Options) { chmod(t, o.Key, 0o640) }, []string{"key: ", "can be read by others (mode 0640)", "chmod 600"}},
		{"open secret", func(o *identity.Options) { chmod(t, o.Secret, 0o604) }, []string{"cluster secret: ", "can be read by others (mode 0604)"}},
		{"short secret", func(o *identity.Options) { o.Secret = file(strings.Repeat("ab", 31), 0o600) }, []string{"cluster secret", "line 1 is too short: 31 bytes, at least 32"}},
		{"no hex", func(o *identity.Options) { o.Secret = file("# new\n"+strings.Repeat("zz", 32), 0o600) }, []string{"line 2 is not hex"}},
		{"no secret", func(o *identity.Options) { o.Secret = file("\n", 0o600) }, []string{"no secret in it"}},
		{"large", func(o *identity.Options) { o.Secret = file(strings.Repeat("ab", 1<<20), 0o600) }, []string{"is larger than 65536 bytes"}},
		{"a folder", func(o *identity.Options) { o.CA = t.TempDir() }, []string{"is not a regular file"}},
		{"a pipe that nobody writes to", func(o *identity.Options) {
			o.Key = filepath.Join(t.TempDir(), "pipe")
			if err := syscall.Mkfifo(o.Key, 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"is not a regular file"}},
	} {
		o := c.issue("ex-1", identity.Executor)
		k.change(&o)
		creds, err := identity.Load(o)
		if err == nil || creds != nil || !contains(err.Error(), append(k.want, "credentials: ")...) {
			t.Errorf("%s: %v", k.name, err)
		}
	}
	if creds, err := identity.Load(identity.Options{}); creds != nil || err != nil {
		t.Error(creds, err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestNilCredentials(t *testing.T) {
	var c *identity.Credentials
	if c.Name() != "" || c.Cluster() != "" || c.GossipKeys("x") != nil || c.TLSConfig() != nil || !c.Expires().IsZero() || c.Insecure() || c.Problem() != nil || c.Refused() != 0 {
		t.Error("nil credentials are somebody")
	}
	if b, err := c.Bundle(); b != nil || err != nil {
		t.Error(b, err)
	}
	if c, err := identity.Unbundle(nil); c != nil || err != nil {
		t.Error(c, err)
	}
}

func TestCheckBind(t *testing.T) {
	c := newCA(t)
	full := c.issue("ex-1", identity.Executor)
	noSecret := full
	noSecret.Secret = ""
	secured, keyless, open := load(t, full), load(t, noSecret), load(t, identity.Options{Insecure: true})
	bundle, err := secured.Bundle()
	if err != nil {
		t.Fatal(err)
	}
	worker, err := identity.Unbundle(bundle)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct{ addr, why string }{
		{"127.0.0.1:7077", ""},
		{"127.0.0.2:0", ""},
		{"localhost:7077", ""},
		{"[::1]:7077", ""},
		{"127.0.0.1", ""},
		{"::1", ""},
		{"[::ffff:127.0.0.1]:1", ""},
		{"", "every interface"},
		{":7077", "every interface"},
		{"0.0.0.0:7077", "every interface"},
		{"[::]:7077", "every interface"},
		{"::", "every interface"},
		{"[::ffff:0.0.0.0]:1", "every interface"},
		{"10.1.2.3:7077", "10.1.2.3 can be reached from other machines"},
		{"[fe80::1%eth0]:7077", "can be reached from other machines"},
		{"[::1%eth0]:7077", "can be reached from other machines"},
		{"[2001:db8::1]:7077", "can be reached from other machines"},
		{"no.such.host.invalid:7077", "does not resolve"},
		{"127.1 :80", "does not resolve"},
	} {
		var none *identity.Credentials
		for who, x := range map[string]*identity.Credentials{"none": none, "no secret": keyless} {
			err := x.CheckBind(k.addr)
			advice := map[string]string{"none": "driver certs init", "no secret": "there is no cluster secret"}[who]
			if k.why == "" && err != nil || k.why != "" && !contains(errorText(err), k.why, advice) {
				t.Errorf("%q with %s: %v", k.addr, who, err)
			}
		}
		for who, x := range map[string]*identity.Credentials{"all": secured, "a bundle": worker, "insecure": open} {
			if err := x.CheckBind(k.addr); err != nil {
				t.Errorf("%q with %s: %v", k.addr, who, err)
			}
		}
	}
}

const goldenKey = "aeecd6a5ff0b981c718bf6eee5cbde8e30e4acb8e1815f9f208dc4b73561f0f6"

func TestGossipKeys(t *testing.T) {
	c := newCA(t)
	o := c.issue("ex-1", identity.Executor)
	put(t, o.Secret, []byte(strings.Repeat("01", 32)+"\n# the one before\n"+strings.Repeat("02", 40)+"\n"))
	x := load(t, o)
	keys := x.GossipKeys("ads")
	if len(keys) != 2 || len(keys[0]) != 32 || len(keys[1]) != 32 {
		t.Fatal(keys)
	}
	// HKDF of that secret, computed by another implementation: a change would cut running clusters in two.
	if got := hex.EncodeToString(keys[0]); got != goldenKey {
		t.Errorf("the key is %s", got)
	}
	if bytes.Equal(keys[0], x.GossipKeys("clicks")[0]) || !bytes.Equal(keys[1], x.GossipKeys("ads")[1]) {
		t.Error("the cluster's name is not the label")
	}
	if load(t, c.issue("eve", identity.Viewer)).GossipKeys("ads") != nil {
		t.Error("a viewer has the secret")
	}
}

// canaries are what must never be printed: the secret, the key, in any form.
func canaries(t *testing.T, o identity.Options) (out []string) {
	t.Helper()
	secret, err := os.ReadFile(o.Secret)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(o.Key)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := pem.Decode(key)
	raw, err := hex.DecodeString(strings.TrimSpace(string(secret)))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][]byte{secret[:20], raw[:12], b.Bytes[40:60], key[60:80]} {
		out = append(out, string(x), hex.EncodeToString(x), fmt.Sprint(x)[1:20], fmt.Sprintf("%X", x), fmt.Sprintf("%q", x), strings.Trim(fmt.Sprintf("%#v", x)[7:40], "{}"))
	}
	return out
}

// printSpoiltBundles prints what Unbundle says of bundles that are cut, or have other fields.
func printSpoiltBundles(t *testing.T, out io.Writer, x *identity.Credentials) {
	t.Helper()
	bundle, err := x.BundleMember()
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{bundle[:len(bundle)-2], bytes.Replace(bundle, []byte(`"Key":"`), []byte(`"Kex":"`), 1), bytes.Replace(bundle, []byte(`"Key":"`), []byte(`"Key":3,"x":"`), 1)} {
		if _, err := identity.Unbundle(b); err == nil {
			t.Error("a spoilt bundle is accepted")
		} else {
			fmt.Fprintln(out, err)
		}
	}
}

func TestNothingSecretIsPrinted(t *testing.T) {
	c := newCA(t)
	o := c.issue("ex-1", identity.Executor)
	canary := canaries(t, o)
	x := load(t, o)
	nested := struct {
		C *identity.Credentials
		V any
		c *identity.Credentials
	}{x, reflect.ValueOf(x).Elem().Interface(), x} // a copy by reflection: vet forbids the plain one
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%t", "%p", "%T"} {
		fmt.Fprintf(&out, verb+verb+"\n", x, nested)
	}
	for _, v := range []any{x, nested, map[string]any{"c": x}} {
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "c", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "c", v)
	}
	s, err := x.Sign(manifest())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "%+v %#v\n", s, s)
	// Errors about files that hold secrets: cut, spoilt, swapped.
	secret, _ := os.ReadFile(o.Secret)
	key, _ := os.ReadFile(o.Key)
	for _, content := range [][]byte{secret[:40], append([]byte("g"), secret...), key, key[:100], bytes.ToLower(key)} {
		for _, f := range []*string{&o.Secret, &o.Key, &o.Cert, &o.CA} {
			bad, was := filepath.Join(t.TempDir(), "bad"), *f
			put(t, bad, content)
			*f = bad
			if _, err := identity.Load(o); err != nil {
				fmt.Fprintln(&out, err)
			}
			*f = was
		}
	}
	printSpoiltBundles(t, &out, x)
	for _, s := range canary {
		if strings.Contains(out.String(), s) {
			t.Errorf("%q was printed", s)
		}
	}
	if got := fmt.Sprintf("%d", x); got != x.String() {
		t.Errorf("%%d prints fields: %s", got)
	}
	if !strings.Contains(out.String(), "credentials of ex-1 (executor) in cluster ads") {
		t.Error(out.String())
	}
}

func TestBundle(t *testing.T) {
	c := newCA(t)
	c.issue("ex-1", identity.Executor)
	dir := t.TempDir()
	parent := load(t, c.deliver("ex-1", dir))
	for _, k := range []struct {
		name   string
		bundle func() ([]byte, error)
		keys   int
	}{{"worker", parent.Bundle, 0}, {"hosted driver", parent.BundleMember, 1}} {
		b, err := k.bundle()
		if err != nil {
			t.Fatal(err)
		}
		secret, err := os.ReadFile(filepath.Join(dir, "cluster.secret"))
		if err != nil {
			t.Fatal(err)
		}
		if k.keys == 0 && (bytes.Contains(b, secret[:20]) || bytes.Contains(b, []byte("cluster.secret"))) {
			t.Errorf("%s: the bundle has the secret", k.name)
		}
		child, err := identity.Unbundle(b)
		if err != nil {
			t.Fatal(err)
		}
		if child.Name() != "ex-1" || len(child.GossipKeys("ads")) != k.keys || child.Problem() != nil {
			t.Errorf("%s: %s %v", k.name, child, child.Problem())
		}
		n := serve(t, child.ServerOptions(methods), nil)
		if err := call(t, n.addr, about, parent.DialNamed("ex-1", identity.Executor)); err != nil {
			t.Error(err)
		}
		// Certificates that are renewed beside the parent reach the child; without the files it keeps what it has.
		if _, err := c.Renew("ex-1"); err != nil {
			t.Fatal(err)
		}
		before := child.Expires()
		c.deliver("ex-1", dir)
		if want := x509of(t, filepath.Join(dir, "node.crt")).NotAfter; !child.Expires().Equal(want) || child.Problem() != nil {
			t.Errorf("%s: %v, was %v, %v", k.name, child.Expires(), before, child.Problem())
		}
	}
}

func TestBundleAlone(t *testing.T) {
	c := newCA(t)
	c.issue("ex-1", identity.Executor)
	dir := t.TempDir()
	b, err := load(t, c.deliver("ex-1", dir)).Bundle()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	child, err := identity.Unbundle(b)
	if err != nil || child.Name() != "ex-1" || !contains(errorText(child.Problem()), "no such file") {
		t.Error(err, child)
	}
	if b, err = load(t, identity.Options{Insecure: true}).Bundle(); err != nil {
		t.Fatal(err)
	}
	if child, err := identity.Unbundle(b); err != nil || !child.Insecure() {
		t.Error(child, err)
	}
	if _, err := identity.Unbundle([]byte(`{"Version":2}`)); !contains(errorText(err), "version 2, this process reads 1") {
		t.Error(err)
	}
}
