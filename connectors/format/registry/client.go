package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill/connectors/internal/secure"
	"github.com/tidemill/tidemill/dstream"
)

const (
	accept         = "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json"
	requestTimeout = 30 * time.Second
	maxAnswer      = 8 << 20 // bytes of an answer; a schema of one is a mistake
)

// client asks a registry. It is safe for concurrent use.
type client struct {
	base *url.URL // without user and password
	user *url.Userinfo
	http *http.Client

	first, most time.Duration // of pauses between attempts
}

func newClient(address *url.URL, config *tls.Config) *client {
	base := *address
	base.User = nil
	base.Path = strings.TrimSuffix(base.Path, "/")
	base.RawPath = ""
	// A schema is asked for once: a connection kept open would be one to close.
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, DisableKeepAlives: true, TLSHandshakeTimeout: requestTimeout}
	return &client{
		base: &base, user: address.User, first: 100 * time.Millisecond, most: 10 * time.Second,
		http: &http.Client{
			Transport: t, Timeout: requestTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a password goes nowhere else
		},
	}
}

// answer is what a registry says about a schema, or why it says nothing.
type answer struct {
	Schema     *string     `json:"schema"`
	SchemaType string      `json:"schemaType"` // empty is AVRO
	References []reference `json:"references"`

	ErrorCode int    `json:"error_code"`
	Message   string `json:"message"`
}

type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// A registry's answers fall into three classes: it is away, which passes; it does not have what was asked for, which makes bad
// records; anything else ends the job, since somebody has to do something.
type (
	awayError    struct{ what string }
	unknownError struct{ what string }
)

func (e *awayError) Error() string    { return e.what }
func (e *unknownError) Error() string { return e.what }

func (c *client) permanent(what string) error {
	return dstream.Permanent(fmt.Errorf("schema registry %s: %s", c.base, what))
}

func (c *client) away(err error) error {
	return &awayError{fmt.Sprintf("schema registry %s: %v", c.base, bare(err))}
}

// bare drops the method and the address, which the message has already, from an error of net/http.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// get asks once for what stands at a path below the registry's address.
func (c *client) get(ctx context.Context, elem ...string) (*answer, error) {
	status, body, err := c.fetch(ctx, elem...)
	if err != nil {
		return nil, err
	}
	var a answer
	bad := json.Unmarshal(body, &a)
	switch {
	case status == http.StatusOK && bad == nil && a.Schema != nil:
		return &a, nil
	case status == http.StatusOK:
		return nil, c.permanent("answers with something that is no schema: is it a schema registry?")
	case status == http.StatusNotFound && bad == nil && a.ErrorCode/100 == http.StatusNotFound:
		return nil, &unknownError{fmt.Sprintf("is not in the registry %s (%d: %s)", c.base, a.ErrorCode, strconv.QuoteToGraphic(a.Message))}
	}
	return nil, c.refusal(status)
}

// refusal is the error of a status that is no answer.
func (c *client) refusal(status int) error {
	switch {
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return c.away(fmt.Errorf("answers %d %s", status, http.StatusText(status)))
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return c.permanent(fmt.Sprintf("answers %d %s: check the user and password in registry=", status, http.StatusText(status)))
	}
	return c.permanent(fmt.Sprintf("answers %d %s: is it the address of a schema registry?", status, http.StatusText(status)))
}

func (c *client) fetch(ctx context.Context, elem ...string) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.at(elem), nil)
	if err != nil {
		return 0, nil, c.permanent(err.Error())
	}
	req.Header.Set("Accept", accept)
	if c.user != nil {
		password, _ := c.user.Password()
		req.SetBasicAuth(c.user.Username(), password)
	}
	res, err := c.http.Do(req)
	if err == nil {
		defer res.Body.Close()
		body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	}
	if err != nil {
		return 0, nil, c.broken(ctx, err)
	}
	if len(body) > maxAnswer {
		return 0, nil, c.permanent(fmt.Sprintf("answers with more than %d bytes", maxAnswer))
	}
	return res.StatusCode, body, nil
}

// at is the address of a path, whose elements may hold anything.
func (c *client) at(elem []string) string {
	s := c.base.String()
	for _, e := range elem {
		s += "/" + url.PathEscape(e)
	}
	return s
}

func (c *client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if why := secure.Refusal(err); why != "" {
		return c.permanent(prefixed(why))
	}
	return c.away(err)
}

// prefixed gives the parameters that advice names the names that they have here.
func prefixed(advice string) string {
	for _, name := range secureNames {
		advice = strings.ReplaceAll(advice, " "+name+"=", " registry_"+name+"=")
	}
	return advice
}

// check asks for something that every registry has, to see whether it talks to us. It says nothing of one that is away.
func (c *client) check(ctx context.Context) error {
	err := c.reach(ctx)
	if _, away := errors.AsType[*awayError](err); away {
		return nil
	}
	return err
}

// reach is check that also says when the registry is away. Other answers are good enough: not every registry knows the path.
func (c *client) reach(ctx context.Context) error {
	status, _, err := c.fetch(ctx, "schemas", "types")
	if err != nil {
		return err
	}
	switch err := c.refusal(status); {
	case errors.As(err, new(*awayError)), status == http.StatusUnauthorized, status == http.StatusForbidden:
		return err
	}
	return nil
}
