package notice

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"

	"plimsoll.example/plimsoll/internal/locale"
)

// webhook sends a message as JSON.
func (c *Channel) webhook(ctx context.Context, m Message, id string) error {
	return c.post(ctx, c.Server, m.document(), id)
}

// push is a message as ntfy is given it (docs.ntfy.sh/publish, “Publish as JSON”): so that no text is ever a header.
type push struct {
	Topic    string   `json:"topic"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Priority int      `json:"priority"` // 1 to 5
	Tags     []string `json:"tags"`
	Click    string   `json:"click,omitempty"`
}

// The priorities of ntfy that are used: a digest makes no sound, harm makes one.
const (
	low     = 2
	usual   = 3
	high    = 4
	maxPush = 4000 // octets: what is longer, ntfy makes an attachment of
)

// ntfy sends a message to a server of ntfy.
func (c *Channel) ntfy(ctx context.Context, words *locale.Catalogue, m Message, id string) error {
	p := push{Topic: c.Topic, Title: subject(words, m), Message: clip(short(words, m), maxPush), Priority: low, Tags: []string{"calendar"}}
	if w := m.Week; w != nil {
		p.Click = w.Link
	}
	if a := m.Alert; a != nil {
		p.Click, p.Priority, p.Tags = a.Link, usual, []string{"white_check_mark"}
		if !a.Test {
			p.Priority, p.Tags = high, []string{map[Class]string{Harm: "rotating_light", Cut: "warning", Newcomer: "new"}[a.Causes[0].Class]}
		}
	}
	return c.post(ctx, c.Server, p, id)
}

// post sends something. Where it is sent is where it goes: what leads elsewhere is not followed, as it could lead to
// another machine at home.
func (c *Channel) post(ctx context.Context, to string, v any, id string) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "plimsoll")
	req.Header.Set("Idempotency-Key", id)
	switch {
	case c.Secret != "" && c.User != "":
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.User+":"+c.Secret)))
	case c.Secret != "":
		req.Header.Set("Authorization", "Bearer "+c.Secret)
	}
	secure, err := c.secure(u.Hostname())
	if err != nil {
		return err
	}
	t := &http.Transport{
		DialContext: dialer(slices.Contains(unencrypted, u.Scheme)).DialContext, TLSClientConfig: secure, TLSHandshakeTimeout: calling,
		MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true,
	}
	client := http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // the address is often a secret
		}
		if err = trouble(err, nonsense); KindOf(err) == nonsense { // what is quoted may be what we said
			return &Trouble{nonsense, errors.New("the server does not speak HTTP")}
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostRead)
	said := fmt.Errorf("the server answers %d", resp.StatusCode)
	switch s := resp.StatusCode; {
	case s >= 200 && s < 300:
		return nil
	case s >= 300 && s < 400:
		return &Trouble{moved, said}
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		return &Trouble{password, said}
	default:
		return &Trouble{rejected, said}
	}
}
