package param

import (
	"fmt"
	"net/url"
	"path/filepath"
)

// Path returns the file or folder that a URL names, cleaned. An absolute path has three slashes, scheme:///var/in; a
// relative one, from the working directory of the process, has none, scheme:data/in, or two, scheme://data/in and
// scheme://./data/in.
func Path(u *url.URL) (string, error) {
	path := u.Host + u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", fmt.Errorf("%s: %w", u.Redacted(), err)
		}
	}
	if path == "" || u.User != nil || u.Fragment != "" {
		return "", fmt.Errorf("%s names no path: write %s:///absolute/path or %s:relative/path", u.Redacted(), u.Scheme, u.Scheme)
	}
	return filepath.Clean(path), nil
}
