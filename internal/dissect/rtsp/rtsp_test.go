package rtsp

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func viewer() dissect.Message {
	return dissect.Message{
		Src: netip.MustParseAddrPort("192.0.2.2:50000"), Dst: netip.MustParseAddrPort("192.0.2.1:554"),
		FromInitiator: true,
	}
}

// lines joins header lines and ends them.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n\r\n" }

const sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=Session streamed by \"cam\"\r\nt=0 0\r\na=tool:LIVE555 2013\r\nm=video 0 RTP/AVP 96\r\nm=audio 0 RTP/AVP 0\r\n"

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, stream string
		want         []string
		state        dissect.State
	}{
		{"requests", lines("OPTIONS rtsp://192.0.2.1:554/live RTSP/1.0", "CSeq: 1", "User-Agent: Viewer 1.0") +
			lines("SETUP rtsp://192.0.2.1/live/trackID=1 RTSP/1.0", "CSeq: 2", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"), []string{
			"rtsp.method OPTIONS", "rtsp.uri rtsp://192.0.2.1:554/live method=OPTIONS", "rtsp.user_agent Viewer 1.0",
			"rtsp.method SETUP", "rtsp.uri rtsp://192.0.2.1/live/ method=SETUP", "rtsp.transport RTP/AVP/TCP",
		}, dissect.Next},
		{"basic", lines("DESCRIBE rtsp://192.0.2.1/live RTSP/1.0", "authorization: Basic YWRtaW46czNjcmV0"), []string{
			"rtsp.method DESCRIBE", "rtsp.uri rtsp://192.0.2.1/live method=DESCRIBE",
			"auth.cleartext rtsp scheme=basic user=admin server=192.0.2.1",
		}, dissect.Next},
		{"digest", lines("PLAY rtsp://[2001:db8::1]:554/live RTSP/1.0", `Authorization: Digest username="admin", realm="cam", nonce="1", uri="/", response="2"`), []string{
			"rtsp.method PLAY", "rtsp.uri rtsp://[2001:db8::1]:554/live method=PLAY",
			"auth.cleartext rtsp scheme=digest user=admin server=192.0.2.1",
		}, dissect.Next},
		{"password in the address", lines("DESCRIBE rtsp://admin:a/s3@cret@192.0.2.1/live?x=1 RTSP/1.0"), []string{
			"rtsp.method DESCRIBE", "rtsp.uri rtsp://192.0.2.1/live method=DESCRIBE",
			"auth.cleartext rtsp scheme=uri user=admin server=192.0.2.1",
		}, dissect.Next},
		{"password in the path", lines("DESCRIBE rtsp://192.0.2.1/user=admin&password=s3cret&channel=1.sdp RTSP/1.0"), []string{
			"rtsp.method DESCRIBE", "rtsp.uri rtsp://192.0.2.1/ method=DESCRIBE", "auth.cleartext rtsp scheme=uri server=192.0.2.1",
		}, dissect.Next},
		{"password in the query", lines("DESCRIBE rtsp://192.0.2.1/live?user=admin&PWD=s3cret RTSP/1.0"), []string{
			"rtsp.method DESCRIBE", "rtsp.uri rtsp://192.0.2.1/live method=DESCRIBE", "auth.cleartext rtsp scheme=uri server=192.0.2.1",
		}, dissect.Next},
		{"host that is half a password", lines("DESCRIBE rtsp://admin:s3?cret@192.0.2.1/live RTSP/1.0"), []string{
			"rtsp.method DESCRIBE",
		}, dissect.Next},
		{"any target", lines("OPTIONS * RTSP/1.0", "CSeq: 1"), []string{"rtsp.method OPTIONS"}, dissect.Next},
		{"refusal", lines("RTSP/1.0 401 Unauthorized", "CSeq: 2", `WWW-Authenticate: Digest realm="IP Camera(1)", nonce="1"`, "Server: Acme/2.0"), []string{
			"rtsp.status 401", "rtsp.server Acme/2.0", "rtsp.realm IP Camera(1) scheme=Digest",
		}, dissect.Next},
		{"description", lines("RTSP/1.0 200 OK", "Content-Type: application/sdp", "Content-Length: 131") + sdp + lines("RTSP/1.0 404 Not Found"), []string{
			"rtsp.status 200", `rtsp.sdp Session streamed by "cam" tool=LIVE555 2013 media=video,audio`, "rtsp.status 404",
		}, dissect.Next},
		{"other body", lines("RTSP/1.0 200 OK", "Content-Type: text/parameters", "Content-Length: 10") + "RTSP/1.0 2" + lines("RTSP/1.0 404 Not Found"), []string{
			"rtsp.status 200", "rtsp.status 404",
		}, dissect.Next},
		{"media", lines("RTSP/1.0 200 OK", "Transport: RTP/AVP/TCP;interleaved=0-1") + "$\x00\x00\x04abcd", []string{
			"rtsp.status 200", "rtsp.transport RTP/AVP/TCP",
		}, dissect.Done},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 7, 100, 10000} {
				got, s := dissecttest.Stream(t, Dissect, viewer(), dissecttest.Split([]byte(test.stream), size)...)
				if s != test.state {
					t.Errorf("by %d octets: state %d", size, s)
				}
				dissecttest.Equal(t, got, test.want)
			}
		})
	}
	if len(sdp) != 131 {
		t.Fatalf("the description has %d octets", len(sdp))
	}
}

func TestRejects(t *testing.T) {
	for name, stream := range map[string]string{
		"HTTP":            lines("OPTIONS * HTTP/1.1", "Host: a"),
		"SIP":             lines("OPTIONS sip:a@b.example SIP/2.0"),
		"endless line":    "OPTIONS " + strings.Repeat("x", 9000),
		"endless headers": "OPTIONS * RTSP/1.0\r\n" + strings.Repeat("a: b\r\n", 3000),
		"cut":             "DESCRIBE rtsp://192.0.2.1/ RTSP/1.0\r\nCSeq: 1\r\n",
		"media":           "$\x00\x00\x04abcd",
		"status":          lines("RTSP/1.0 OK"),
	} {
		got, s := dissecttest.Stream(t, Dissect, viewer(), []byte(stream))
		if s != dissect.No || got != nil {
			t.Errorf("%s: state %d, facts %q", name, s, got)
		}
	}
}

func TestNoSecretIsKept(t *testing.T) {
	for _, target := range []string{
		"rtsp://u:s3cret@h/", "rtsp://u:a@s3cret@h/p", "rtsp://u:a/s3cret@h/p", "rtsp://h/a?pwd=s3cret", "rtsp://h/a;pwd=s3cret",
		"rtsp://h/user=a_password=s3cret_channel=1", "rtsp://h/a=1/s3cret", "rtsp://u:?s3cret@h/",
	} {
		got, _ := dissecttest.Stream(t, Dissect, viewer(), []byte(lines("DESCRIBE "+target+" RTSP/1.0", "Authorization: Basic dTpzM2NyZXQ=")))
		if all := strings.Join(got, "\n"); strings.Contains(all, "s3cret") || !strings.Contains(all, "auth.cleartext") {
			t.Errorf("%s: %s", target, all)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(lines("DESCRIBE rtsp://a:b@192.0.2.1/live?x RTSP/1.0", `Authorization: Digest username="a", realm=b`)), 9)
	f.Add([]byte(lines("RTSP/1.0 200 OK", "Content-Type: application/sdp", "Content-Length: 131")+sdp+"$\x00\x00\x04abcd"), 50)
	f.Add([]byte(lines("RTSP/1.0 401 x", `WWW-Authenticate: Basic realm="x"`, "content-length: 3")+"xyz"), 3)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		dissecttest.SplitAgrees(t, Dissect, viewer(), data, size)
	})
}
