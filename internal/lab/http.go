package lab

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// exchange makes an HTTP request of up octets and answers it with down octets of no meaning.
func (a *Actor) exchange(s stream, host, method, path string, up, down int) {
	s.Send(a.request(host, method, path, "", octets(a.rng, up)))
	s.Recv(a.response("200 OK", "nginx", "application/octet-stream", "", octets(a.rng, down)))
}

func (a *Actor) request(host, method, path, header string, body []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	if a.Agent != "" {
		fmt.Fprintf(&b, "User-Agent: %s\r\n", a.Agent)
	}
	b.WriteString("Accept: */*\r\n" + header)
	if method == "POST" || method == "PUT" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	} else {
		body = nil
	}
	b.WriteString("\r\n")
	return append([]byte(b.String()), body...)
}

func (a *Actor) response(status, server, kind, header string, body []byte) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %s\r\nDate: %s\r\n", status, a.time().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	if server != "" {
		fmt.Fprintf(&b, "Server: %s\r\n", server)
	}
	if strings.HasPrefix(status, "204") {
		b.WriteString(header + "\r\n")
		return []byte(b.String())
	}
	fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n%s\r\n", kind, len(body), header)
	return append([]byte(b.String()), body...)
}

// Page is what an HTTP server answers.
type Page struct {
	Status string // "200 OK"
	Server string
	Type   string
	Header string // more fields, each ending in CR LF
	Body   string
}

// Get fetches a path over HTTP in the clear.
func (a *Actor) Get(to string, port uint16, path, header string, page Page) {
	c := a.Dial(to, port)
	c.Send(a.request(authority(c, to, port), "GET", path, header, nil))
	c.Recv(a.response(page.Status, page.Server, page.Type, page.Header, []byte(page.Body)))
	c.Close()
}

// Post sends a body over HTTP in the clear.
func (a *Actor) Post(to string, port uint16, path, header, body string, page Page) {
	c := a.Dial(to, port)
	c.Send(a.request(authority(c, to, port), "POST", path, header, []byte(body)))
	a.Wait(3 * time.Millisecond)
	c.Recv(a.response(page.Status, page.Server, page.Type, page.Header, []byte(page.Body)))
	c.Close()
}

// authority is the Host field of a request: a name on the Internet, an address at home.
func authority(c *Conn, to string, port uint16) string {
	if c.ends[1].host.server == nil {
		to = c.ends[1].addr.Addr().String()
		if c.ends[1].addr.Addr().Is6() {
			to = "[" + to + "]"
		}
	}
	if port != 80 {
		return fmt.Sprintf("%s:%d", to, port)
	}
	return to
}

// basic is the Authorization field of RFC 7617.
func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
}
