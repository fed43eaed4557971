package http

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
)

// feed shows data to the dissector in segments, as the packet path does, and ends the stream.
func feed(t testing.TB, data []byte, segment func(i int) int) (facts string, s dissect.State) {
	t.Helper()
	var f dissect.Facts
	m := dissect.Message{Stream: true, Dst: netip.MustParseAddrPort("192.0.2.1:80")}
	show := func() {
		before := f.Len()
		n := 0
		n, s = Dissect(&m, &f)
		if n < 0 || n > len(m.Data) || s == dissect.Next && n != len(m.Data) {
			t.Fatalf("n=%d of %d, state=%d", n, len(m.Data), s)
		}
		if (n == 0 && s != dissect.Done || s == dissect.No) && f.Len() > before {
			t.Fatalf("facts of octets that are not consumed: %s", lines(&f))
		}
		if len(m.Scratch) > 8 {
			t.Fatalf("%d octets of scratch", len(m.Scratch))
		}
		m.Data = m.Data[n:]
	}
	for i := 0; len(data) > 0; i++ {
		k := min(max(segment(i), 1), len(data))
		m.Data = append(bytes.Clone(m.Data), data[:k]...)
		data = data[k:]
		if show(); s == dissect.No || s == dissect.Done {
			return lines(&f), s
		}
	}
	if m.Final = true; len(m.Data) > 0 {
		show()
	}
	return lines(&f), s
}

func whole(int) int { return 1 << 20 }

func lines(f *dissect.Facts) string {
	var b strings.Builder
	for i := range f.Len() {
		fmt.Fprintf(&b, "%s=%s", f.At(i).Name, f.Value(i))
		f.Fields(i, func(k string, v []byte) { fmt.Fprintf(&b, " %s=%s", k, v) })
		b.WriteByte('\n')
	}
	return b.String()
}

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

const description = `<root><device><deviceType>urn:a:device:Lamp:1</deviceType><modelName>L1</modelName></device></root>`

const mapping = `<s:Envelope><s:Body><u:AddPortMapping><NewExternalPort>8080</NewExternalPort><NewProtocol>TCP</NewProtocol></u:AddPortMapping></s:Body></s:Envelope>`

var streams = []struct{ name, data, want string }{
	{
		"a request",
		crlf("GET /v1/state?token=secret HTTP/1.1\nHost: API.Maker.example:8080\nUser-Agent: Lamp/1.0 (esp32)\nCookie: secret\n\n"),
		"http.host=api.maker.example method=GET path=/v1/state\nhttp.user_agent=Lamp/1.0 (esp32)\n",
	},
	{
		"no host, bare line ends, empty lines before",
		"\r\n\nGET / HTTP/1.0\n\n",
		"http.host=192.0.2.1 method=GET path=/\n",
	},
	{
		"requests in a row, one with a body that looks like a head",
		crlf("POST /a HTTP/1.1\nHost: a\nContent-Length: 27\n\nGET /no HTTP/1.1\nHost: b\n\nGET /c HTTP/1.1\nHost: [2001:db8::1]:80\n\n"),
		"http.host=a method=POST path=/a\nhttp.host=2001:db8::1 method=GET path=/c\n",
	},
	{
		"chunks that look like heads, with extensions and a trailer",
		crlf("HTTP/1.1 200 OK\nTransfer-Encoding: gzip, chunked\nContent-Type: image/jpeg\n\n14;x=y\nHTTP/1.1 500 Bad\n\n\n5\nabcde\n0\nX: y\n\nHTTP/1.1 204 No\nServer: B\n\nHTTP/1.1 404 Not\nContent-Length: 0\n\n"),
		"http.status=200\nhttp.content_type=image/jpeg side=server\nhttp.status=204\nhttp.server=B\nhttp.status=404\n",
	},
	{
		"a firmware download",
		crlf("HTTP/1.1 200 OK\nServer: nginx\nContent-Type: Application/Octet-Stream; v=1\nContent-Length: 90000\nContent-Disposition: attachment; filename=\"fw_1.2.bin\"\n\n") +
			strings.Repeat("HTTP/1.1 200 OK\r\n\r\n", 90000/19) + strings.Repeat("x", 90000%19) + crlf("HTTP/1.1 304 Not modified\nContent-Length: 5\n\nHTTP/1.1 302 Found\n\n"),
		"http.status=200\nhttp.server=nginx\nhttp.content_type=application/octet-stream side=server length=90000 filename=fw_1.2.bin\nhttp.status=304\nhttp.status=302\n",
	},
	{
		"a body without end is left alone",
		crlf("HTTP/1.0 200 OK\nContent-Type: multipart/x-mixed-replace;boundary=x\n\n--x\nHTTP/1.1 200 OK\n\n"),
		"http.status=200\nhttp.content_type=multipart/x-mixed-replace side=server\n",
	},
	{
		"a page and its title",
		crlf("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 75\n\n<html><head>\n<TITLE lang=en>\n Router &amp;\n login </TITLE></head> ......HTTP/1.1 200 OK\n\n"),
		"http.status=200\nhttp.content_type=text/html side=server length=75\nhttp.title=Router & login\nhttp.status=200\n",
	},
	{
		"a device description",
		crlf("HTTP/1.1 200 OK\nContent-Type: text/xml; charset=\"utf-8\"\nContent-Length: " + fmt.Sprint(len(description)) + "\n\n" + description + "HTTP/1.1 200 OK\n\n"),
		"http.status=200\nhttp.content_type=text/xml side=server length=99\nupnp.device_type=urn:a:device:Lamp:1\nupnp.model_name=L1\nhttp.status=200\n",
	},
	{
		"a device description in chunks",
		crlf("HTTP/1.1 200 OK\nContent-Type: text/xml\nTransfer-Encoding: chunked\n\n63\n" + description + "\n0\n\nHTTP/1.1 200 OK\n\n"),
		"http.status=200\nhttp.content_type=text/xml side=server\nupnp.device_type=urn:a:device:Lamp:1\nupnp.model_name=L1\nhttp.status=200\n",
	},
	{
		"a device description that ends with the stream",
		crlf("HTTP/1.0 200 OK\nContent-Type: text/xml\n\n" + description),
		"http.status=200\nhttp.content_type=text/xml side=server\nupnp.device_type=urn:a:device:Lamp:1\nupnp.model_name=L1\n",
	},
	{
		"a port is opened",
		crlf("POST /ctl/IPConn HTTP/1.1\nHost: 192.0.2.1:5000\nSOAPAction: \"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"\nContent-Type: text/xml\nContent-Length: " + fmt.Sprint(len(mapping)) + "\n\n" + mapping + "GET / HTTP/1.1\n\n"),
		"http.host=192.0.2.1 method=POST path=/ctl/IPConn\nhttp.content_type=text/xml side=client length=" + fmt.Sprint(len(mapping)) +
			"\nigd.portmap=tcp/8080 via=upnp side=request op=add internal_port=0\nhttp.host=192.0.2.1 method=GET path=/\n",
	},
	{
		"a realm",
		crlf("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Digest qop=\"auth\", realm=\"IP Camera, hall\", nonce=\"a\"\nWWW-Authenticate: Basic realm=cam\nContent-Length: 0\n\n"),
		"http.status=401\nhttp.realm=IP Camera, hall scheme=digest\nhttp.realm=cam scheme=basic\n",
	},
	{
		"a password, of which only the name is told",
		crlf("GET /img HTTP/1.1\nHost: cam\nAuthorization: Basic YWRtaW46c2VjcmV0OjE=\n\n"),
		"http.host=cam method=GET path=/img\nauth.cleartext=http scheme=basic user=admin server=cam\n",
	},
	{
		"a token without a name is told without it",
		crlf("GET / HTTP/1.1\nHost: cam\nAuthorization: Basic c2VjcmV0dG9rZW4=\n\nGET / HTTP/1.1\nHost: cam\nAuthorization: Bearer secret\n\n"),
		"http.host=cam method=GET path=/\nauth.cleartext=http scheme=basic server=cam\nhttp.host=cam method=GET path=/\nauth.cleartext=http scheme=bearer server=cam\n",
	},
	{
		"a digest",
		crlf("GET / HTTP/1.1\nHost: cam\nAuthorization: Digest username=\"viewer\", realm=\"x\", response=\"secret\"\n\n"),
		"http.host=cam method=GET path=/\nauth.cleartext=http scheme=digest user=viewer server=cam\n",
	},
	{
		"a password in the address",
		crlf("GET /cgi-bin/snapshot.cgi?usr=admin&pwd=secret HTTP/1.1\nHost: cam\n\nGET /?pwd= HTTP/1.1\nHost: cam\n\n"),
		"http.host=cam method=GET path=/cgi-bin/snapshot.cgi\nauth.cleartext=http scheme=query user=admin server=cam\nhttp.host=cam method=GET path=/\n",
	},
	{
		"a password in a form",
		crlf("POST /login HTTP/1.1\nHost: cam\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 30\n\nUsername=root&Password=secret1GET / HTTP/1.1\nHost: cam\n\n"),
		"http.host=cam method=POST path=/login\nhttp.content_type=application/x-www-form-urlencoded side=client length=30\nauth.cleartext=http scheme=form user=root server=192.0.2.1\nhttp.host=cam method=GET path=/\n",
	},
	{
		"a proxy is asked, and a tunnel",
		crlf("GET http://user:secret@www.example/x?y HTTP/1.1\nHost: ignored\n\nCONNECT mail.example:443 HTTP/1.1\n\n") + "\x16\x03\x01",
		"http.host=www.example method=GET path=/x\nhttp.host=mail.example method=CONNECT path=\n",
	},
	{
		"continue, then another protocol",
		crlf("HTTP/1.1 100 Continue\n\nHTTP/1.1 101 Switching Protocols\n\n") + "\x81\x00",
		"http.status=100\nhttp.status=101\n",
	},
	{"HTTP/2 without encryption", preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "http.version=2 side=client\n"},
	{"HTTP/2, the server", "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", "http.version=2 side=server\n"},
	{
		"lengths that disagree end it",
		crlf("GET / HTTP/1.1\nHost: a\nContent-Length: 5\nContent-Length: 6\n\nGET / HTTP/1.1\nHost: b\n\n"),
		"http.host=a method=GET path=/\n",
	},
	{
		"a head that is cut tells what it has",
		crlf("HTTP/1.1 200 OK\nServer: GoAhead-Webs\nContent-"),
		"http.status=200\nhttp.server=GoAhead-Webs\n",
	},
	{
		"keys in the path",
		crlf("GET /api/1028d66426293e821ecfd9ef1a0731df/lights/1 HTTP/1.1\nHost: a\n\nGET /api/0A1B2C3D4E/config HTTP/1.1\nHost: a\n\n" +
			"GET /bot123456:AAE-xyz0_9SECRET/send;sid=SECRET HTTP/1.1\nHost: a\n\n"),
		"http.host=a method=GET path=/api/*/lights/1\nhttp.host=a method=GET path=/api/*/config\nhttp.host=a method=GET path=/*/send\n",
	},
	{
		"paths without keys",
		crlf("GET /generate_204 HTTP/1.1\nHost: a\n\nGET /api/v1/firmware/lamp-2.10.118_2024.bin HTTP/1.1\nHost: a\n\n"),
		"http.host=a method=GET path=/generate_204\nhttp.host=a method=GET path=/api/v1/firmware/lamp-2.10.118_2024.bin\n",
	},
}

func TestStreams(t *testing.T) {
	for _, c := range streams {
		t.Run(c.name, func(t *testing.T) {
			if got, s := feed(t, []byte(c.data), whole); got != c.want || s == dissect.No {
				t.Errorf("state=%d\n got %s\nwant %s", s, got, c.want)
			}
			if strings.Contains(c.want, "secret") {
				t.Error("a secret is told")
			}
			if got, _ := feed(t, []byte(c.data), func(int) int { return 1 + len(c.data)/700 }); got != c.want {
				t.Errorf("in small segments\n got %s\nwant %s", got, c.want)
			}
			for cut := 1; cut < min(len(c.data), 500); cut++ {
				first := func(i int) int {
					if i == 0 {
						return cut
					}
					return len(c.data)
				}
				if got, _ := feed(t, []byte(c.data), first); got != c.want {
					t.Fatalf("cut at %d\n got %s\nwant %s", cut, got, c.want)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []string{
		"\x16\x03\x01\x02\x00\x01", "SSH-2.0-x\r\n", "220 ftp ready\r\n", "USER anonymous\r\n", "EHLO me\r\n", "HTTP/1.1 OK!", "HTTP/1.\n 200 OK\r\n\r\n",
		"OPTIONS rtsp://cam/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", "REGISTER sip:a SIP/2.0\r\n\r\n", "RTSP/1.0 200 OK\r\n\r\n", "GET  HTTP/1.1\r\n\r\n", "GET /\r\n",
		"Host: a\r\n\r\nGET / HTTP/1.1\r\n\r\n", "ello</p>\r\n", "\x00\x00\x06\x05\x00\x00\x00\x00\x00", "\x00\x00\x07\x04", "ABCDEFGHIJKLMNOPQRSTUVWXYZ /",
		"GET " + strings.Repeat("a", maxLine),
	} {
		m := dissect.Message{Data: []byte(c), Stream: true}
		var f dissect.Facts
		if n, s := Dissect(&m, &f); n != 0 || s != dissect.No || f.Len() != 0 {
			t.Errorf("%.40q: n=%d state=%d %s", c, n, s, lines(&f))
		}
		if avg := testing.AllocsPerRun(10, func() { Dissect(&m, &f) }); avg > 0 {
			t.Errorf("%.40q: %v allocations to say no", c, avg)
		}
	}
	if _, s := Dissect(&dissect.Message{Data: []byte("GET / HTTP/1.1\r\n\r\n")}, new(dissect.Facts)); s != dissect.No {
		t.Error("took a datagram")
	}
}

// A head that comes octet by octet must not be searched from the beginning each time.
func TestSlowHeadIsLinear(t *testing.T) {
	data := []byte("GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", 5000))
	searched := 0
	m := dissect.Message{Stream: true}
	for i := 1; i < len(data); i++ {
		m.Data = data[:i]
		from := int(load(m.Scratch).count)
		if _, s := Dissect(&m, new(dissect.Facts)); s != dissect.More {
			t.Fatalf("state=%d", s)
		}
		searched += i - from
	}
	if searched > 8*len(data) {
		t.Errorf("searched %d octets for %d", searched, len(data))
	}
}

func TestUsualMessagesDoNotAllocate(t *testing.T) {
	for _, i := range []int{0, 4, 12, 15} {
		m := dissect.Message{Stream: true, Dst: netip.MustParseAddrPort("192.0.2.1:80"), Scratch: make([]byte, 0, 8)}
		f := new(dissect.Facts)
		data := []byte(streams[i].data)
		read := func() {
			f.Reset()
			m.Data, m.Scratch = data, m.Scratch[:0]
			Dissect(&m, f)
		}
		read()
		if avg := testing.AllocsPerRun(50, read); avg != 0 {
			t.Errorf("%s: %v allocations", streams[i].name, avg)
		}
	}
}

func BenchmarkDissect(b *testing.B) {
	for name, data := range map[string]string{
		"request": crlf("GET /v1/state HTTP/1.1\nHost: api.maker.example\nAccept: */*\nAccept-Encoding: gzip, deflate\nConnection: keep-alive\nUser-Agent: Lamp/1.0 (esp32)\n\n"),
		"body":    strings.Repeat("x", 1400),
		"other":   "\x17\x03\x03\x05\x78" + strings.Repeat("x", 1400),
	} {
		b.Run(name, func(b *testing.B) {
			m := dissect.Message{Stream: true, Data: []byte(data)}
			f := new(dissect.Facts)
			at := position{phase: inBody, count: 1 << 40}
			b.ReportAllocs()
			for b.Loop() {
				f.Reset()
				m.Scratch = m.Scratch[:0]
				if name == "body" {
					m.Scratch = at.save(m.Scratch)
				}
				Dissect(&m, f)
			}
		})
	}
}

func FuzzDissect(f *testing.F) {
	for _, c := range streams {
		if len(c.data) < 4096 {
			f.Add([]byte(c.data), 7)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if len(data) > dissect.MaxStream/2 {
			return
		}
		want, _ := feed(t, data, whole)
		if got, _ := feed(t, data, func(i int) int { return 1 + (size>>(i%8))&63 }); got != want {
			t.Fatalf("in segments\n got %s\nwant %s", got, want)
		}
	})
}

// Whatever the scratch memory holds, octets are consumed or refused.
func FuzzScratch(f *testing.F) {
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, []byte("GET / HTTP/1.1\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, scratch, data []byte, final bool) {
		m := dissect.Message{Stream: true, Data: data, Scratch: scratch, Final: final}
		if n, _ := Dissect(&m, new(dissect.Facts)); n < 0 || n > len(data) || len(m.Scratch) > 8 {
			t.Fatalf("n=%d of %d, %d octets of scratch", n, len(data), len(m.Scratch))
		}
	})
}
