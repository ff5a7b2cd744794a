package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/tidemill/tidemill/executor/identity"
	"github.com/tidemill/tidemill/executor/identity/authority"
)

// ca issues certificates in a folder of the test.
type ca struct {
	*testing.T
	*authority.Authority
}

func newCA(t *testing.T) *ca {
	t.Helper()
	a, err := authority.Init(filepath.Join(t.TempDir(), "certs"), "mill", false)
	if err != nil {
		t.Fatal(err)
	}
	return &ca{t, a}
}

func (c *ca) issue(name string, roles ...identity.Role) identity.Options {
	c.Helper()
	is, err := c.Issue(authority.Order{Name: name, Roles: roles})
	if err != nil {
		c.Fatal(err)
	}
	o := identity.Options{CA: filepath.Join(is.Dir, "ca.crt"), Cert: filepath.Join(is.Dir, "node.crt"), Key: filepath.Join(is.Dir, "node.key")}
	if is.Has(identity.Driver, identity.Executor) {
		o.Secret = filepath.Join(is.Dir, "cluster.secret")
	}
	return o
}

func (c *ca) load(o identity.Options) *identity.Credentials {
	c.Helper()
	out, err := identity.Load(o)
	if err != nil {
		c.Fatal(err)
	}
	return out
}

func (c *ca) as(name string, roles ...identity.Role) *identity.Credentials {
	c.Helper()
	return c.load(c.issue(name, roles...))
}

func TestSecuredCluster(t *testing.T) {
	c := newCA(t)
	driver := c.as("dr", identity.Driver)
	a := start(t, Options{Name: "a", Credentials: c.as("a", identity.Executor, identity.Driver)})
	b := start(t, Options{Name: "b", Credentials: c.as("b", identity.Executor), Join: []string{a.about.Gossip}})
	if a.members(t, 2); !a.about.Secured || b.about.Name != "b" {
		t.Errorf("%+v", b.about)
	}
	binary, m := self()
	d := dial(t, b.about.Address, driver)
	if err := d.Put(t.Context(), signed(t, m, driver), bytes.NewReader(binary)); err != nil {
		t.Fatal(err)
	}
	w, err := d.Start(t.Context(), Start{Job: "ads", SHA256: m.SHA256, Setup: []byte("serve")})
	if err != nil {
		t.Fatal(err)
	}
	var got dug
	if err := json.NewDecoder(tell(t, w.Address, "dig")).Decode(&got); err != nil {
		t.Fatal(err)
	}
	own, err := identity.Unbundle(got.Welcome.Credentials)
	if err != nil || own.Name() != "b" {
		t.Error(own.Name(), err)
	}
	if strings.Contains(strings.Join(append(got.Env, got.Args...), " "), "KEY") {
		t.Error("credentials in the environment")
	}
	submitter := dial(t, a.about.Address, c.as("su", identity.Submitter))
	if err := submitter.Put(t.Context(), signed(t, m, c.as("su2", identity.Submitter)), bytes.NewReader(binary)); err != nil {
		t.Fatal(err)
	}
	if err := submitter.Submit(t.Context(), submission("ads", "stay")); err != nil {
		t.Fatal(err)
	}
	a.out.await(t, "ads| up")
}

// TestNobodyWithoutARole calls every method with certificates that are not for it, and with none at all.
func TestNobodyWithoutARole(t *testing.T) {
	c, foreign := newCA(t), newCA(t)
	w := start(t, Options{Name: "a", Credentials: c.as("a", identity.Executor)})
	callers := map[identity.Role]*Client{}
	for _, r := range identity.Roles() {
		if r != identity.Executor {
			callers[r] = dial(t, w.about.Address, c.as(string(r)+"-1", r))
		}
	}
	strangers := map[string]*Client{"without a certificate": dial(t, w.about.Address, nil), "of another CA": dial(t, w.about.Address, foreign.as("dr", identity.Driver))}
	for method, may := range roles {
		stream := method == "Put" || method == "Attend"
		call := func(x *Client) error {
			if stream {
				ctx, cancel := context.WithCancel(speaking(t.Context()))
				defer cancel()
				s, err := x.conn.NewStream(ctx, &desc.Streams[0], fullName(method))
				if err == nil {
					err = s.RecvMsg(&nothing{})
					err = understood(err, s.Trailer())
				}
				return err
			}
			trailer := metadata.MD{}
			err := x.conn.Invoke(speaking(t.Context()), fullName(method), &nothing{}, &nothing{}, trailerOf(&trailer))
			return understood(err, trailer)
		}
		for who, x := range strangers {
			if err := call(x); err == nil || errors.Is(err, ErrInvalid) {
				t.Errorf("%s by somebody %s: %v", method, who, err)
			}
		}
		for r, x := range callers {
			if slices.Contains(may, r) {
				continue
			}
			if err := call(x); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), string(r)) {
				t.Errorf("%s by a %s: %v", method, r, err)
			}
		}
	}
}

func TestManifestsThatAreNotBelieved(t *testing.T) {
	c, foreign := newCA(t), newCA(t)
	w := start(t, Options{Name: "a", Credentials: c.as("a", identity.Executor)})
	driver := c.as("dr", identity.Driver)
	d := dial(t, w.about.Address, driver)
	b := []byte("a binary")
	good := signed(t, manifest(b), driver)
	changed := good
	changed.Manifest.Job = "other"
	for name, s := range map[string]identity.Signed{
		"not signed":             signed(t, manifest(b), nil),
		"changed":                changed,
		"signed by a viewer":     signed(t, manifest(b), c.as("vi", identity.Viewer)),
		"signed by another CA's": signed(t, manifest(b), foreign.as("dr", identity.Driver)),
	} {
		if err := d.Put(t.Context(), s, bytes.NewReader(b)); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Put(t.Context(), good, bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
}

// TestSeal starts from what a daemon keeps after the manifest has expired.
func TestSeal(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	c := newCA(t)
	b := openBinaries(t, dir)
	b.creds = c.as("a", identity.Executor)
	m := manifest([]byte("a binary")) // it expired in the year 1, and nobody signed it
	write := func(r record) {
		text, err := json.Marshal(r)
		if err == nil {
			err = b.replace(m.SHA256+".json", text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	sealed := b.seal(identity.Signed{Manifest: m})
	write(sealed)
	if got, err := b.manifest(m.SHA256); err != nil || got != m {
		t.Error(got, err)
	}
	other := sealed
	other.Signed.Manifest.Size++
	none := sealed
	none.Seal = nil
	for name, r := range map[string]record{"another size": other, "no seal": none, "a seal of zeros": {sealed.Signed, make([]byte, 32)}} {
		write(r)
		if _, err := b.manifest(m.SHA256); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The secret is replaced in steps, through which the seal holds if it is looked at meanwhile, and is of no use after them.
	write(sealed)
	for _, step := range []authority.Step{authority.Add, authority.Use, authority.Drop} {
		if err := c.RotateSecret(step); err != nil {
			t.Fatal(err)
		}
		if _, err := b.manifest(m.SHA256); err != nil {
			t.Errorf("%s: %v", step, err)
		}
	}
	write(sealed)
	if _, err := b.manifest(m.SHA256); !errors.Is(err, ErrAltered) {
		t.Error(err)
	}
}

func TestMembersThatAreRefused(t *testing.T) {
	c, foreign := newCA(t), newCA(t)
	a := start(t, Options{Name: "a", Credentials: c.as("a", identity.Executor)})
	for name, x := range map[string]struct {
		creds *identity.Credentials
		o     Options
		want  string
	}{
		"another cluster's secret": {foreign.as("b", identity.Executor), Options{}, "does not let this node in"},
		"no secret at all":         {nil, Options{}, "does not let this node in"},
		"another name":             {c.as("b", identity.Executor), Options{Name: "z"}, "the certificate is that of b"},
		"a driver's certificate":   {c.as("d", identity.Driver), Options{Name: "d"}, "executor"},
	} {
		x.o.Credentials, x.o.Join = x.creds, []string{a.about.Gossip}
		if x.o.Name == "" {
			x.o.Name = "b"
		}
		if _, err := try(t, x.o); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.members(t, 1)
}
