package config

import (
	"net/url"
	"strings"
)

// hidden stands where a secret was.
const hidden = "***"

// Redact hides the secrets in a URL: the password before the @, and the values of parameters whose names contain
// password, passwd, secret or token, in any case, also of URLs that are parameters. References (${env:NAME}) are no secrets and stay. It works on text, so that
// a URL that does not parse is redacted too; where it must guess, it hides more.
func Redact(u string) string {
	head, query, hasQuery := strings.Cut(redactPassword(u), "?")
	if !hasQuery {
		return head
	}
	query, fragment, hasFragment := strings.Cut(query, "#")
	pairs := strings.Split(query, "&")
	for i, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		switch inner, err := url.QueryUnescape(value); {
		case secretName(name) && value != "" && !isReference(value):
			pairs[i] = name + "=" + hidden
		case err == nil && strings.Contains(inner, "://"): // a URL in a URL, as that of a schema registry
			if safe := Redact(inner); safe != inner {
				pairs[i] = name + "=" + safe
			}
		}
	}
	out := head + "?" + strings.Join(pairs, "&")
	if hasFragment {
		out += "#" + fragment
	}
	return out
}

func redactPassword(u string) string {
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	at := userinfoEnd(rest)
	user, password, ok := strings.Cut(rest[:max(at, 0)], ":")
	if !ok || password == "" || isReference(password) {
		return u
	}
	return scheme + "://" + user + ":" + hidden + rest[at:]
}

// userinfoEnd is the position of the @ that ends user and password, or -1. A password with an unescaped /, ? or # ends
// the authority too early; then an @ further on counts: anywhere, unless what is before it looks like a host with its
// port, and even then before the query, since a password may be a number.
func userinfoEnd(rest string) int {
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		if strings.Contains(rest[:at], ":") {
			return strings.LastIndexByte(rest, '@') // the password may hold an @ and what ends the authority
		}
		return at
	}
	if !strings.Contains(rest[:end], ":") {
		return -1
	}
	if isHosts(rest[:end]) {
		rest, _, _ = strings.Cut(rest, "?")
	}
	return strings.LastIndexByte(rest, '@')
}

// isHosts reports whether s looks like host:port, or several with commas between.
func isHosts(s string) bool {
	for host := range strings.SplitSeq(s, ",") {
		if strings.HasPrefix(host, "[") { // an IPv6 address
			host = host[strings.IndexByte(host, ']')+1:]
		}
		_, port, has := strings.Cut(host, ":")
		if has && (port == "" || strings.Trim(port, "0123456789") != "") {
			return false
		}
	}
	return true
}

// isReference reports whether s is one reference and nothing more.
func isReference(s string) bool {
	return strings.HasPrefix(s, "${") && strings.IndexByte(s, '}') == len(s)-1
}

func secretName(name string) bool {
	if n, err := url.QueryUnescape(name); err == nil {
		name = n
	}
	name = strings.ToLower(name)
	for _, word := range []string{"password", "passwd", "secret", "token"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
