package authority

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/internal/keyfile"
)

func start(t *testing.T) (*Authority, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "certs")
	a, err := Init(dir, "ads", false)
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

func wants(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("the error is %v, want %q in it", err, words)
	}
}

var executor = []identity.Role{identity.Executor}

func read(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestInitAndIssue(t *testing.T) {
	a, dir := start(t)
	before := read(t, dir, "ca.key")
	_, err := Init(dir, "ads", false)
	wants(t, err, "exists already; --force replaces it")
	if read(t, dir, "ca.key") != before {
		t.Error("the CA was replaced")
	}
	is, err := a.Issue(Order{Name: "ex-1", Roles: []identity.Role{identity.Executor, identity.Driver}, Hosts: []string{"10.0.0.1", "a.example", "10.0.0.1", "localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(is.Hosts, " "); got != "localhost a.example 127.0.0.1 ::1 10.0.0.1" {
		t.Error(got)
	}
	if left := time.Until(is.Expires); left > LeafLife || left < LeafLife-time.Minute {
		t.Error(is.Expires)
	}
	if _, err := a.Issue(Order{Name: "eve", Roles: []identity.Role{identity.Viewer}}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "nodes/eve/cluster.secret")); err == nil {
		t.Error("a viewer was given the secret")
	}
	key := read(t, is.Dir, "node.key")
	_, err = a.Issue(Order{Name: "ex-1", Roles: executor})
	wants(t, err, "exists already; --force replaces it")
	if read(t, is.Dir, "node.key") != key {
		t.Error("the key was replaced")
	}
	if _, err = a.Issue(Order{Name: "ex-1", Roles: executor, Force: true}); err != nil || read(t, is.Dir, "node.key") == key {
		t.Error(err)
	}
	again, err := Open(dir)
	if err != nil || again.Cluster() != "ads" {
		t.Fatal(err)
	}
	all, err := again.List()
	if err != nil || len(all) != 2 || all[0].Name != "eve" || all[1].String() != "ex-1 (executor)" {
		t.Error(all, err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; err == nil && fi.Mode().Perm() != want {
			t.Errorf("%s has mode %o", path, fi.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestOrders(t *testing.T) {
	a, dir := start(t)
	for _, k := range []struct {
		o    Order
		want string
	}{
		{Order{Name: "../x", Roles: executor}, "cannot be used"},
		{Order{Name: "x"}, "x has no role"},
		{Order{Name: "x", Roles: []identity.Role{"executer"}}, "did you mean executor"},
		{Order{Name: "x", Roles: append(executor, executor...)}, "role executor twice"},
		{Order{Name: "x", Roles: executor, Hosts: []string{"a b"}}, "is neither an IP address nor a name"},
		{Order{Name: "x", Roles: executor, Hosts: []string{""}}, "is neither an IP address nor a name"},
		{Order{Name: "x", Roles: executor, Life: -1}, "a life of"},
	} {
		_, err := a.Issue(k.o)
		wants(t, err, k.want)
	}
	_, err := Open(filepath.Join(dir, "none"))
	wants(t, err, "make one with driver certs init")
	_, err = Init(filepath.Join(dir, "x"), "a/b", false)
	wants(t, err, "cluster: the name")
	_, err = a.Renew("ex-9")
	wants(t, err, "ex-9 has no certificate in")
	_, err = a.Renew("../ca")
	wants(t, err, "cannot be used")
	if err := os.Chmod(filepath.Join(dir, "ca.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	wants(t, err, "can be read by others")
	other, _ := start(t)
	text, err := keyfile.KeyPEM(other.key)
	if err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Write(filepath.Join(dir, "ca.key"), text, true); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	wants(t, err, "is the key of none of the CAs")
}

// No certificate outlives its CA, and a CA that ends within a day issues none.
func TestOldCA(t *testing.T) {
	a, _ := start(t)
	a.now = func() time.Time { return a.Expires().Add(-48 * time.Hour) }
	is, err := a.Issue(Order{Name: "ex-1", Roles: executor})
	if err != nil || !is.Expires.Equal(a.Expires()) {
		t.Error(is.Expires, err)
	}
	a.now = func() time.Time { return a.Expires().Add(-time.Hour) }
	_, err = a.Issue(Order{Name: "ex-2", Roles: executor})
	wants(t, err, "driver certs rotate --ca add")
}

func TestStepsInOrder(t *testing.T) {
	a, dir := start(t)
	if _, err := a.Issue(Order{Name: "ex-1", Roles: executor, Hosts: []string{"10.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		what string
		do   func(Step) error
	}{{"ca", a.RotateCA}, {"secret", a.RotateSecret}} {
		wants(t, k.do(Use), "add one first")
		wants(t, k.do(Drop), "nothing to drop")
		wants(t, k.do("fly"), "no s")
		for range 2 { // and once more, with what the first time made
			if err := k.do(Add); err != nil {
				t.Fatal(err)
			}
			wants(t, k.do(Add), "already")
			wants(t, k.do(Drop), "is not in use yet")
			if err := k.do(Use); err != nil {
				t.Fatal(err)
			}
			wants(t, k.do(Add), "drop it first")
			if err := k.do(Drop); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range []string{"ca.crt", "cluster.secret"} {
		if read(t, dir, f) != read(t, dir, "nodes/ex-1", f) {
			t.Errorf("%s was not spread", f)
		}
	}
	all, err := a.List()
	if err != nil || len(all) != 1 || strings.Join(all[0].Hosts, " ") != "localhost 127.0.0.1 ::1 10.0.0.1" || all[0].cert.CheckSignatureFrom(a.issuer) != nil {
		t.Error(all, err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*next*")); len(left) != 0 || err != nil {
		t.Error(left, err)
	}
}

func reopen(t *testing.T, dir string) *Authority {
	t.Helper()
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A step that was interrupted between two of its files is done again; the folder can be opened at each of these moments.
func TestInterruptedSteps(t *testing.T) {
	a, dir := start(t)
	again := func(dir string) *Authority { return reopen(t, dir) }
	if _, err := a.Issue(Order{Name: "ex-1", Roles: executor}); err != nil {
		t.Fatal(err)
	}
	old := read(t, dir, "ca.crt")
	if err := a.RotateCA(Add); err != nil {
		t.Fatal(err)
	}
	// Add, before ca.crt was written.
	if err := keyfile.Write(a.path(caFile), []byte(old), true); err != nil {
		t.Fatal(err)
	}
	wants(t, again(dir).RotateCA(Use), "is not known yet: add it")
	if err := again(dir).RotateCA(Add); err != nil {
		t.Fatal(err)
	}
	// Use, after the key was renamed.
	if err := os.Rename(a.path(nextKey), a.path(caKey)); err != nil {
		t.Fatal(err)
	}
	wants(t, again(dir).RotateCA(Drop), "ex-1 is still of the old CA: renew it")
	if err := again(dir).RotateCA(Use); err != nil {
		t.Fatal(err)
	}
	if err := again(dir).RotateCA(Drop); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedStepsOfTheSecret(t *testing.T) {
	a, dir := start(t)
	again := func(dir string) *Authority { return reopen(t, dir) }
	// Add, before the file of all was written; Use, before the next one was removed.
	if err := keyfile.Write(a.path(nextSecret), keyfile.NewSecret(), true); err != nil {
		t.Fatal(err)
	}
	wants(t, again(dir).RotateSecret(Use), "add one first")
	if err := again(dir).RotateSecret(Add); err != nil {
		t.Fatal(err)
	}
	next := read(t, dir, nextSecret)
	if err := again(dir).RotateSecret(Use); err != nil {
		t.Fatal(err)
	}
	if err := keyfile.Write(a.path(nextSecret), []byte(next), true); err != nil {
		t.Fatal(err)
	}
	if err := again(dir).RotateSecret(Use); err != nil {
		t.Fatal(err)
	}
	if err := again(dir).RotateSecret(Drop); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir, secretFile); got != next {
		t.Error("it is another secret")
	}
}

func TestForceStartsOver(t *testing.T) {
	a, dir := start(t)
	if err := a.RotateCA(Add); err != nil {
		t.Fatal(err)
	}
	if err := a.RotateSecret(Add); err != nil {
		t.Fatal(err)
	}
	before := read(t, dir, "ca.crt")
	b, err := Init(dir, "clicks", true)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*next*")); len(left) != 0 || err != nil {
		t.Error(left, err)
	}
	if b.Cluster() != "clicks" || bytes.Contains([]byte(before), []byte(read(t, dir, "ca.crt"))) {
		t.Error("the old CA is still there")
	}
}
