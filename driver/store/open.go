package store

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tidemill/tidemill/driver/store/internal/query"
)

// OpenOptions says how a checkpoint is opened by its URL.
type OpenOptions struct {
	// ReadOnly changes nothing and makes nothing: the checkpoint must be there.
	ReadOnly bool
	// Job names the checkpoint in a place that holds several, such as a keyspace,
	// when the URL does not.
	Job string
}

// Opener opens the checkpoint at a URL of its scheme. The context ends the
// opening only.
type Opener func(ctx context.Context, u *url.URL, o OpenOptions) (Store, error)

var openers = struct {
	sync.Mutex
	by map[string]Opener
}{by: map[string]Opener{"file": openFile}}

// Register makes Open know a scheme. Packages call it when they are initialised.
func Register(scheme string, open Opener) {
	openers.Lock()
	defer openers.Unlock()
	openers.by[scheme] = open
}

// Open opens the checkpoint at a URL:
//
//	/var/lib/ads, ads           a directory
//	file:///mnt/ads?shared=true a directory, here one that several machines share
//	cassandra://h1,h2/keyspace  a keyspace, see package driver/store/cassandra,
//	                            which the program must import
//
// Parameters of file: shared=false; true means that flock says nothing here, as
// [DirOptions].Shared does. The caller closes the store.
func Open(ctx context.Context, url string, o OpenOptions) (Store, error) {
	u, err := parse(url)
	if err != nil {
		return nil, err
	}
	openers.Lock()
	open, known := openers.by[u.Scheme], slices.Sorted(maps.Keys(openers.by))
	openers.Unlock()
	if open == nil {
		return nil, fmt.Errorf("checkpoint %s: no store has the scheme %q; there are %s, and plain paths", u.Redacted(), u.Scheme, strings.Join(known, ", "))
	}
	s, err := open(ctx, u, o)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", u.Redacted(), err)
	}
	return s, nil
}

// parse turns a plain path into a URL too.
func parse(s string) (*url.URL, error) {
	if s == "" {
		return nil, fmt.Errorf("open checkpoint: no directory and no URL is given: set checkpoint")
	}
	if !strings.Contains(s, "://") {
		return &url.URL{Scheme: "file", Path: s}, nil
	}
	before, hosts, after := authority(s)
	u, err := url.Parse(before + "hosts" + after) // it takes no list of hosts with ports
	if err == nil {
		u.Host = hosts
	}
	if err != nil { // the text of err may hold a password
		return nil, fmt.Errorf("open checkpoint: %s… is no URL: special letters in a name or a password are written as %%25 and the like", s[:strings.Index(s, "://")])
	}
	return u, nil
}

// authority cuts a URL around its hosts.
func authority(s string) (before, hosts, after string) {
	start := strings.Index(s, "://") + 3
	end := len(s)
	if i := strings.IndexAny(s[start:], "/?#"); i >= 0 {
		end = start + i
	}
	start += strings.LastIndex(s[start:end], "@") + 1
	return s[:start], s[start:end], s[end:]
}

// Local returns the directory of a checkpoint that is one: a plain path, or the
// path of a file URL.
func Local(url string) (dir string, ok bool) {
	u, err := parse(url)
	if err != nil || u.Scheme != "file" {
		return "", false
	}
	return filepath.FromSlash(u.Path), true
}

// Redacted returns a URL without its password, for messages.
func Redacted(url string) string {
	if !strings.Contains(url, "://") {
		return url
	}
	u, err := parse(url)
	if err != nil {
		return "a checkpoint whose URL cannot be read"
	}
	return u.Redacted()
}

func openFile(_ context.Context, u *url.URL, o OpenOptions) (Store, error) {
	p := query.Of(u)
	d := DirOptions{ReadOnly: o.ReadOnly, Shared: p.Bool("shared")}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if u.Host != "" && u.Host != "localhost" {
		return nil, fmt.Errorf("a file URL has no host: write file:///%s%s", u.Host, u.Path)
	}
	dir, err := OpenDir(filepath.FromSlash(u.Path), d)
	if err != nil {
		return nil, err
	}
	return dir, nil
}
