package config

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
)

// maxSecretFile bounds a file named by ${file:…}: secrets are short, and a device would never end.
const maxSecretFile = 1 << 20

// Endpoint says where a source, sink or table is. In the file it is a URL, or a mapping with the key url and any other
// keys as parameters.
type Endpoint struct {
	// URL has the scheme of a connector. It may hold references.
	URL string
	// Params are added to the URL's query. Values may hold references.
	Params map[string]string
}

// String is the URL with its parameters and without its secrets: fit for printing.
func (e Endpoint) String() string {
	return Redact(e.join(func(s string, _ bool) string { return s }))
}

// Resolve is the URL with its parameters, in order of name, and every reference replaced by what it refers to. Inside a
// URL that is percent-encoded, so that a password may hold any character; a URL that is one reference is taken as it
// is. An error names the reference that could not be resolved.
func (e Endpoint) Resolve() (string, error) {
	var failed error
	u := e.join(func(s string, inURL bool) string {
		r, err := expand(s, inURL)
		if err != nil && failed == nil {
			failed = err
		}
		return r
	})
	return u, failed
}

// join builds the URL; value maps each of its parts, and is told whether the part is the URL itself.
func (e Endpoint) join(value func(s string, inURL bool) string) string {
	u, fragment, hasFragment := strings.Cut(value(e.URL, true), "#")
	for _, name := range slices.Sorted(maps.Keys(e.Params)) {
		sep := "&"
		if !strings.Contains(u, "?") {
			sep = "?"
		}
		v := value(e.Params[name], false)
		if !strings.Contains(v, "${") { // a reference that is still one stays readable
			v = url.QueryEscape(v)
		}
		u += sep + url.QueryEscape(name) + "=" + v
	}
	if hasFragment {
		u += "#" + fragment
	}
	return u
}

// expand replaces the references in s. What a reference gives is never searched for references again.
func expand(s string, inURL bool) (string, error) {
	var b strings.Builder
	for rest := s; ; {
		before, after, ok := strings.Cut(rest, "${")
		b.WriteString(before)
		if !ok {
			return b.String(), nil
		}
		ref, tail, ok := strings.Cut(after, "}")
		if !ok {
			return "", fmt.Errorf("reference ${%s has no closing }", Redact(after))
		}
		v, err := lookup(ref)
		if err != nil {
			return "", err
		}
		if inURL && s != "${"+ref+"}" {
			v = escape(v)
		}
		b.WriteString(v)
		rest = tail
	}
}

// lookup reads what the reference names: env:NAME or file:path.
func lookup(ref string) (string, error) {
	kind, name, _ := strings.Cut(ref, ":")
	switch {
	case kind == "env" && name != "":
		v, ok := os.LookupEnv(name)
		if !ok {
			return "", fmt.Errorf("reference ${%s}: the environment has no variable %s; set it", ref, name)
		}
		return v, nil
	case kind == "file" && name != "":
		v, err := readSecret(name)
		if err != nil {
			return "", fmt.Errorf("reference ${%s}: %w", ref, err)
		}
		return v, nil
	}
	return "", fmt.Errorf("reference ${%s}: write ${env:NAME} or ${file:path}", ref)
}

// readSecret is the file's content without the newline that editors add.
func readSecret(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() || st.Size() > maxSecretFile {
		return "", fmt.Errorf("%s is not a regular file of at most 1 MiB", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	s := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(s, "\r"), nil
}

// escape percent-encodes everything but the unreserved characters of RFC 3986 §2.3, so that the result means the same
// in any part of a URL.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
