package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/public"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/norms"
)

// place is a registry that is served on loopback.
type place struct {
	labels int
	store  *sqlite.Registry
	log    *labellog.Log
	reg    *registry.Registry
	server *http.Server
	at     string
	stop   func() error
	took   time.Duration // to open
	next   atomic.Uint32 // status index
}

func open(ctx context.Context, dir, name string, labels int) (_ *place, err error) {
	p := &place{labels: labels}
	began := time.Now()
	if p.store, err = sqlite.OpenRegistry(ctx, name); err != nil {
		return nil, err
	}
	signer, err := signerOf(filepath.Join(dir, "log.key"))
	if err != nil {
		return nil, err
	}
	logDir := filepath.Join(dir, "log")
	labellog.LogTo(slog.New(slog.DiscardHandler))
	if p.log, err = labellog.Open(context.WithoutCancel(ctx), logDir, signer, labellog.Options{}); err != nil {
		return nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	transparent := registry.Transparent{Log: p.log}
	p.reg, err = registry.Open(ctx, registry.Config{
		Name: "Example", URL: "https://registry.example", Key: key(99), Store: p.store, Log: transparent, Now: time.Now, Logger: quiet, Publish: 2 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	p.took = time.Since(began)
	catalogue, err := norms.Load()
	if err != nil {
		return nil, err
	}
	site, err := public.New(public.Config{
		Registry: p.reg, Proofs: transparent, Files: labellog.Handler(logDir), Norms: catalogue, Logger: quiet, Rate: 1e9, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p.at = l.Addr().String()
	p.server = &http.Server{Handler: site.Handler(), ReadHeaderTimeout: 5 * time.Second}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() { _ = p.server.Serve(l) })
	all.Go(func() { _ = p.reg.Run(running) })
	p.stop = func() error {
		err := p.server.Close()
		cancel()
		all.Wait()
		return errors.Join(err, p.log.Close(context.WithoutCancel(ctx)))
	}
	last, used, err := p.store.LastIndex(ctx, registry.Block{First: uint32(labels), Size: 10_000_000})
	if err != nil {
		return nil, err
	}
	p.next.Store(uint32(labels))
	if used {
		p.next.Store(last + 1)
	}
	return p, nil
}

// signerOf is the key of the log that belongs to the database, which is made with it.
func signerOf(name string) (note.Signer, error) {
	private, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		text, _, err := labellog.NewLogKey("registry.example/log")
		if err != nil {
			return nil, err
		}
		if err := durable.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, err
		}
		private = []byte(text)
	} else if err != nil {
		return nil, err
	}
	return labellog.LogSigner(string(private))
}

func (p *place) close() error { return errors.Join(p.stop(), p.store.Close()) }

// measure does all measurements, one after the other.
func (p *place) measure(ctx context.Context, span time.Duration, talk io.Writer) (*table, error) {
	t := &table{}
	t.add("time to open the registry", fmt.Sprintf("%.1f s", p.took.Seconds()), "")
	any := func(r *rand.Rand) int { return r.IntN(p.labels) }
	popular := func(r *rand.Rand) int { return int(float64(p.labels) * pow8(r.Float64())) }
	for _, m := range []struct {
		what, path string
		pick       func(*rand.Rand) int
		clients    int
		bar        string
	}{
		{"pages of products, any of all", "/01/", any, 16, "≥ 5 000 /s"},
		{"pages of products, some asked for more often", "/01/", popular, 16, "≥ 5 000 /s"},
		{"labels by GTIN, any of all", "/api/v1/labels?gtin=", any, 4, "p99 < 5 ms"},
	} {
		fmt.Fprintln(talk, m.what)
		before := processor()
		rate, times, err := p.read(ctx, span, m.clients, m.path, m.pick)
		if err != nil {
			return nil, err
		}
		t.add(m.what+fmt.Sprintf(" (%d clients)", m.clients), told(rate, times, processor()-before), m.bar)
	}
	for _, issuers := range []int{1, 64, 512} {
		fmt.Fprintln(talk, "grants by", issuers)
		before := processor()
		rate, times, err := p.grants(ctx, span, issuers)
		if err != nil {
			return nil, err
		}
		bar := ""
		if issuers > 1 {
			bar = "≥ 200 /s"
		}
		t.add(fmt.Sprintf("grants, each with its leaf published and its proof fetched (%d at a time)", issuers), told(rate, times, processor()-before), bar)
	}
	return t, p.files(t)
}

// told is a measurement in words.
func told(rate float64, times []time.Duration, cpu time.Duration) string {
	return fmt.Sprintf("%.0f /s, median %s, p99 %s; %.2f ms of a core each", rate, ms(times, .5), ms(times, .99), cpu.Seconds()*1e3/float64(max(1, len(times))))
}

// processor is the time of the cores that this process has taken, server and clients together.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func pow8(x float64) float64 { x *= x; x *= x; return x * x }

func ms(times []time.Duration, q float64) string {
	if len(times) == 0 {
		return "–"
	}
	slices.Sort(times)
	return fmt.Sprintf("%.1f ms", float64(times[int(q*float64(len(times)-1))])/1e6)
}

// read asks for products for a while.
func (p *place) read(ctx context.Context, span time.Duration, clients int, path string, pick func(*rand.Rand) int) (rate float64, all []time.Duration, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	began := time.Now()
	end := began.Add(span)
	for c := range clients {
		group.Go(func() {
			times, e := p.client(ctx, uint64(c), end, path, pick)
			mu.Lock()
			defer mu.Unlock()
			all, err = append(all, times...), errors.Join(err, e)
		})
	}
	group.Wait()
	return float64(len(all)) / time.Since(began).Seconds(), all, err
}

// client asks on one connection. It reads no more of HTTP than it must, so that what is measured is the server.
func (p *place) client(ctx context.Context, seed uint64, end time.Time, path string, pick func(*rand.Rand) int) (times []time.Duration, err error) {
	r := rand.New(rand.NewPCG(seed, 1))
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.at)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	in := bufio.NewReaderSize(c, 64<<10)
	for time.Now().Before(end) && ctx.Err() == nil {
		began := time.Now()
		if _, err := fmt.Fprintf(c, "GET %s%014d HTTP/1.1\r\nHost: registry.example\r\nAccept-Language: fr\r\n\r\n", path, gtin(pick(r))); err != nil {
			return nil, err
		}
		if err := answered(in); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}

// answered reads an answer, which must be 200.
func answered(in *bufio.Reader) error {
	length := -1
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")):
			return fmt.Errorf("the answer is %q", line)
		case len(line) == 0 && length >= 0:
			_, err := in.Discard(length)
			return err
		case len(line) == 0:
			return chunked(in)
		}
		if text, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			if length, err = strconv.Atoi(text); err != nil {
				return err
			}
		}
	}
}

func chunked(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return err
		}
		if _, err := in.Discard(int(n) + 2); err != nil || n == 0 {
			return err
		}
	}
}

// grants has issuers grant labels for a while, each waiting for its answer and for the proof that the label is in the log.
func (p *place) grants(ctx context.Context, span time.Duration, issuers int) (rate float64, all []time.Duration, err error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: issuers}}
	began := time.Now()
	end := began.Add(span)
	for range issuers {
		group.Go(func() {
			for time.Now().Before(end) && ctx.Err() == nil {
				index := p.next.Add(1) - 1
				sign1, e := label.Sign(statement(int(index), index, label.DayOf(time.Now())), key(1))
				at := time.Now()
				if e == nil {
					e = p.grant(ctx, client, sign1)
				}
				mu.Lock()
				all, err = append(all, time.Since(at)), errors.Join(err, e)
				mu.Unlock()
				if e != nil {
					return
				}
			}
		})
	}
	group.Wait()
	return float64(len(all)) / time.Since(began).Seconds(), all, err
}

func (p *place) grant(ctx context.Context, client *http.Client, sign1 []byte) error {
	body, err := json.Marshal(map[string]any{"label": sign1, "category": "light"})
	if err != nil {
		return err
	}
	var granted struct{ Leaf uint64 }
	data, err := ask(ctx, client, http.MethodPost, "http://"+p.at+"/api/v1/labels", body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &granted); err != nil {
		return err
	}
	_, err = ask(ctx, client, http.MethodGet, fmt.Sprintf("http://%s/api/v1/log/%d/proof", p.at, granted.Leaf), nil)
	return err
}

func ask(ctx context.Context, client *http.Client, method, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	a, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	data, err := io.ReadAll(a.Body)
	if err == nil && a.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, a.Status, data)
	}
	return data, err
}

// files measures what is given out for verifying offline, with ten years of landmarks.
func (p *place) files(t *table) error {
	pub := p.reg.Publication()
	if pub == nil {
		return errors.New("nothing was published")
	}
	trust, err := label.ParseBundle(pub.Bundle, publicKey(99))
	if err != nil {
		return err
	}
	b := *trust.Bundle
	day := label.DayOf(time.Now())
	b.FirstDay, b.Landmarks = day-3650, make([][32]byte, 3650)
	r := rand.NewChaCha8([32]byte{})
	for i := range b.Landmarks {
		_, _ = r.Read(b.Landmarks[i][:])
	}
	began := time.Now()
	file, err := b.Sign(key(99))
	if err != nil {
		return err
	}
	made := time.Since(began)
	began = time.Now()
	if _, err := label.ParseBundle(file, publicKey(99)); err != nil {
		return err
	}
	t.add("bundle, with 3650 landmarks and one label in a hundred suspended", fmt.Sprintf("%.1f kB, signed in %.1f ms, read in %.1f ms", float64(len(file))/1e3, made.Seconds()*1e3, time.Since(began).Seconds()*1e3), "≤ 300 KB")
	t.add("status list token", fmt.Sprintf("%.1f kB", float64(len(pub.List))/1e3), "")
	return nil
}
