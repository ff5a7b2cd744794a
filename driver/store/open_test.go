package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/tidemill/tidemill/driver/store"
	"github.com/tidemill/tidemill/driver/store/crashfs"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		url   string
		words []string
	}{
		{dir + "/plain", nil},
		{"file://" + dir + "/url?shared=true", nil},
		{"", []string{"no directory"}},
		{"file://host/x", []string{"file:///host/x"}},
		{"file://" + dir + "/x?shraed=true", []string{`"shraed"`, "did you mean shared?"}},
		{"file://" + dir + "/x?shared=yes", []string{"true or false"}},
		{"kassandra://u:secret@h/k", []string{"kassandra", "file", "u:xxxxx@h"}},
		{"kassandra://u:sec%ret@h/k", []string{"no URL", "%25"}},
	} {
		s, err := store.Open(t.Context(), c.url, store.OpenOptions{})
		if c.words != nil {
			says(t, err, c.words...)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if where, ok := store.Local(c.url); !ok || where != s.String() {
			t.Errorf("%s is at %s, local %q %v", c.url, s, where, ok)
		}
		s.Close()
	}
	if _, err := store.Open(t.Context(), dir+"/none", store.OpenOptions{ReadOnly: true}); err == nil {
		t.Error("a checkpoint that is not there was opened for reading")
	}
	for url, want := range map[string]string{
		"/a b": "/a b", "cassandra://u:p@h:1,g/k?x=y": "cassandra://u:xxxxx@h:1,g/k?x=y", "cassandra://u:%zz@h/k": "a checkpoint whose URL cannot be read",
	} {
		if got := store.Redacted(url); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
	if _, ok := store.Local("cassandra://h/k"); ok {
		t.Error("a keyspace is a directory")
	}
}

func TestForgetLeavesWhatIsNoCheckpoint(t *testing.T) {
	dir := t.TempDir()
	thesis := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(thesis, []byte("years of work"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, store.DirOptions{})
	says(t, store.Forget(context.Background(), s, ads()), dir, "thesis.txt", "--checkpoint")
	if _, err := os.Stat(thesis); err != nil {
		t.Error(err)
	}
	s = open(t, t.TempDir(), store.DirOptions{})
	if err := store.Forget(context.Background(), s, ads()); err != nil {
		t.Error(err)
	}
	if h, err := store.Latest(s); h.Epoch != 0 || err != nil {
		t.Errorf("forgetting nothing took epoch %d, %v", h.Epoch, err)
	}
}

func TestForgetRemovesFoldersOfConnectors(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, store.DirOptions{})
	acquire(t, s, ads()).Release()
	own := filepath.Join(dir, "receivers", "socket", "7")
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Forget(context.Background(), s, ads()); err != nil {
		t.Fatal(err)
	}
	if es, err := os.ReadDir(filepath.Join(dir, "receivers")); len(es) > 0 || err != nil {
		t.Errorf("%v, %v", es, err)
	}
	if err := s.Create("receivers/socket/7/x", nil); err != nil {
		t.Error(err)
	}
}

// A crash at any call of a Forget leaves all, or what the next driver makes nothing.
func TestForgetAfterCrash(t *testing.T) {
	for k := 1; ; k++ {
		var done bool
		synctest.Test(t, func(t *testing.T) {
			fsys := crashfs.New()
			s := open(t, "/ck", store.DirOptions{FS: fsys})
			acquire(t, s, ads()).Release()
			for _, name := range []string{"log/1", "log/2", "state/1"} {
				if err := store.WriteFile(s, name, []byte(name)); err != nil {
					t.Fatal(err)
				}
			}
			before := fsys.Calls()
			fsys.Fail(before+k, crashfs.Crash)
			err := store.Forget(context.Background(), s, ads())
			done = err == nil && fsys.Calls() < before+k
			for seed := range uint64(4) {
				next := open(t, "/ck", store.DirOptions{FS: fsys.PowerCut(seed, float64(seed)/3)})
				l := acquire(t, next, ads())
				logs, _ := next.List("log")
				states, _ := next.List("state")
				if n := len(logs) + len(states); n != 0 && n != 3 || err == nil && n != 0 {
					t.Errorf("crash at call %d: left are %v %v", k, logs, states)
				}
				l.Release()
			}
		})
		if done {
			return
		}
	}
}
