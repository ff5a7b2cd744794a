package status

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// maxRequests is how many requests are answered at once. One costs at most a thousand reports as JSON.
const maxRequests = 16

// security are the headers of every answer. There is no script at all, and styles come from our own file only.
var security = map[string]string{
	"Content-Security-Policy":      "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cache-Control":                "no-store",
}

// guard lets through what may be answered. The Host check is against DNS rebinding: a page of evil.example whose name
// is made to point at 127.0.0.1 runs with the browser's blessing, but its requests still say Host: evil.example.
func guard(next http.Handler) http.Handler {
	slots := make(chan struct{}, maxRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range security {
			w.Header().Set(name, value)
		}
		if !ours(r) {
			refuse(w, http.StatusMisdirectedRequest, "this address is served as localhost or 127.0.0.1 only")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, "this page only shows: use GET or HEAD")
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			next.ServeHTTP(w, r)
		default:
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "too many requests at once")
		}
	})
}

// refuse also closes the connection: a client that asks for what is not here may have a body that we do not want.
func refuse(w http.ResponseWriter, code int, why string) {
	w.Header().Set("Connection", "close")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(why + "\n")) // the client has gone; nobody is left to tell
}

// ours reports whether the request's Host is localhost or a loopback address; the address we listen on is always one. The
// port is not looked at: a tunnel may end at another one.
func ours(r *http.Request) bool {
	host := hostname(r.Host)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Zone() == "" && ip.Unmap().IsLoopback()
}

// hostname is host without port and brackets; "" if it is not a Host at all.
func hostname(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		for _, c := range port {
			if c < '0' || c > '9' {
				return ""
			}
		}
		return name
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if !ok || !strings.Contains(inner, ":") {
			return ""
		}
		return inner
	}
	return host
}
