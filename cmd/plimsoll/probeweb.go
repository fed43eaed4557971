//go:build !gateway

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/advisory/securitytxt"
	"plimsoll.example/plimsoll/internal/assess"
	"plimsoll.example/plimsoll/internal/internet"
)

// published looks at the security.txt of the maker’s site. From a file it says nothing of what is on the web.
func (in *probing) published(ctx context.Context) (assess.Check, error) {
	c := assess.Check{Check: "security.txt", Port: "web", Outcome: assess.Unclear, Exchanges: []int{}}
	unreadable := func(err error) (assess.Check, error) {
		return c, &fault{key: "error.probe.securitytxt", args: []any{"name", in.securityTxt, "cause", err.Error()}}
	}
	fromWeb := strings.HasPrefix(strings.ToLower(in.securityTxt), "https://")
	var data []byte
	var err error
	if fromWeb {
		data, err = in.fetchText(ctx, in.securityTxt)
	} else {
		data, err = in.readInput(in.securityTxt, securitytxt.MaxFile)
	}
	if err != nil {
		if !fromWeb {
			return c, err
		}
		return unreadable(err)
	}
	f, problems, err := securitytxt.Parse(data)
	if err != nil {
		return unreadable(err)
	}
	where := ""
	if fromWeb {
		where = in.securityTxt
	}
	c.Outcome, c.Detail = judgeContact(f, append(problems, f.Check(time.Now(), where)...), fromWeb)
	return c, nil
}

// judgeContact says whether somebody who found a flaw can use a security.txt: it is on the web, has a contact and a policy,
// and is still true.
func judgeContact(f *securitytxt.File, problems []securitytxt.Problem, fromWeb bool) (outcome, detail string) {
	var list []string
	good := fromWeb && len(f.Policy) > 0
	for _, p := range problems {
		list = append(list, string(p))
		switch p {
		case securitytxt.FarExpires, securitytxt.TwiceLanguages:
		default:
			good = false
		}
	}
	if len(f.Policy) == 0 {
		list = append(list, "policy-missing")
	}
	if !fromWeb {
		list = append(list, "from a file, not from the web")
	}
	if len(f.Contact) > 0 {
		detail = f.Contact[0]
	}
	if !f.Expires.IsZero() {
		detail += ", " + f.Expires.Format(time.DateOnly)
	}
	if len(list) > 0 {
		detail += " (" + strings.Join(list, ", ") + ")"
	}
	if good {
		return assess.Good, detail
	}
	return assess.Unclear, detail
}

// fetchText fetches a small text over https, from addresses on the Internet alone, but for those that are allowed.
func (in *probing) fetchText(ctx context.Context, link string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	var roots *x509.CertPool
	if in.rootsFile != "" {
		list, err := readCertificates(in.rootsFile)
		if err != nil {
			return nil, err
		}
		roots = x509.NewCertPool()
		for _, c := range list {
			roots.AddCert(c)
		}
	}
	transport := &http.Transport{
		DialContext:     (&net.Dialer{Timeout: 5 * time.Second, ControlContext: internet.Judge(in.allow)}).DialContext,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}, TLSHandshakeTimeout: 5 * time.Second,
		ResponseHeaderTimeout: 5 * time.Second, MaxResponseHeaderBytes: 32 << 10, DisableKeepAlives: true, DisableCompression: true,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" || len(via) > 3 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", "plimsoll/"+version())
	resp, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server says %s", resp.Status)
	}
	return readAll(io.LimitReader(resp.Body, securitytxt.MaxFile+1), securitytxt.MaxFile, fmt.Errorf("it has more than %d octets", securitytxt.MaxFile))
}
