package conformance

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/certtest"
)

// hostile are servers of MUD files that do as they should not, by the path that is asked for.
func hostile(w http.ResponseWriter, r *http.Request) {
	end := r.Context().Done()
	w.Header().Set("Content-Type", "application/mud+json")
	switch r.URL.Path {
	case "/slow.json": // says nothing
		<-end
	case "/drip.json": // says something, now and then, for ever
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			w.(http.Flusher).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	case "/endless.json":
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	case "/huge.json": // says that it is huge
		w.Header().Set("Content-Length", fmt.Sprint(int64(1)<<40))
		_, _ = w.Write(make([]byte, 64<<10))
	case "/loop.json":
		http.Redirect(w, r, "/loop.json", http.StatusFound)
	case "/inside.json":
		http.Redirect(w, r, "https://"+lan(4, 1).String()+"/inside.json", http.StatusFound)
	case "/plain.json":
		http.Redirect(w, r, "http://"+r.Host+"/plain.json", http.StatusFound)
	case "/garbage.json":
		_, _ = w.Write([]byte(strings.Repeat("{\"ietf-mud:mud\":[", 4000)))
	case "/headers.json":
		for i := range 2000 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 100))
		}
	case "/cut.json":
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write([]byte("{"))
		panic(http.ErrAbortHandler)
	default:
		http.NotFound(w, r)
	}
}

func TestServersOfMUDFilesThatAreHostileHoldNobodyElseUp(t *testing.T) {
	t.Parallel()
	var b table
	defer b.print(t)
	own(t)
	s := newScene(t)
	bad := serveTLS(t, s.internet, s.root, wide(4, 11), nil, http.HandlerFunc(hostile))
	_ = serveTLS(t, s.internet, s.root, wide(4, 12), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) }, http.HandlerFunc(hostile))
	_ = serveTLS(t, s.internet, certtest.Issue(t, nil, "nobody", nil), wide(4, 13), nil, http.HandlerFunc(hostile))
	if err := s.internet.do(func() error { // TLS that is none
		l, err := net.Listen("tcp", netip.AddrPortFrom(wide(4, 14), 443).String())
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte("no TLS at all\r\n"))
				t.Cleanup(func() { _ = c.Close() })
			}
		}()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	urls := []string{
		"https://" + wide(4, 12).String() + "/expired.json", "https://" + wide(4, 13).String() + "/stranger.json",
		"https://" + wide(4, 14).String() + "/nothing.json", "https://" + lan(4, 1).String() + "/private.json",
	}
	for _, name := range []string{"slow", "drip", "endless", "huge", "loop", "inside", "plain", "garbage", "headers", "cut"} {
		urls = append(urls, bad+"/"+name+".json")
	}
	s.start()
	var list []*thing
	for i, url := range urls {
		d := s.add(fmt.Sprint("bad", i), 50+i)
		d.join(t, 4, url)
		list = append(list, d)
	}
	s.until("all are known", func() bool {
		for _, d := range list {
			if s.device(d).State == "" {
				return false
			}
		}
		return true
	})
	began := time.Now()
	s.join(s.publishGood())
	s.settles(s.dut)
	b.check(t, "a device whose server is good is held within 5 s", true, time.Since(began) < 5*time.Second)
	s.holds(t, &b, "meanwhile")
	s.resolves(t, &b, "meanwhile")
	s.until("it is said of each that there is no file", func() bool {
		n := 0
		for _, k := range s.faults() {
			if k == "file" {
				n++
			}
		}
		return n >= len(urls)-2 // of two that are slow, it is not known yet
	})
	s.told(t, &b, "meanwhile", "is not to be had", "On ne peut pas avoir ceci")
	for i, d := range list {
		k := s.device(d)
		b.check(t, urls[i][strings.LastIndex(urls[i], "/")+1:]+": the device is not held to it", "learning ", k.State+" "+k.File)
	}
	resident := memory(t, s.process.Process.Pid)
	b.check(t, "the gateway has less than 256 MiB", true, resident < 256<<20)
	t.Logf("the gateway has %d MiB", resident>>20)
	s.mustAsk("release", "dut")
	s.mustAsk("hold", "dut")
	s.holds(t, &b, "decided since")
}

// memory is what a process has in memory, octets.
func memory(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
