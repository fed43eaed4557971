package inspect

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/flow"
)

// said is the distinct values of some facts in a capture.
func said(t *testing.T, path string, facts ...string) []string {
	t.Helper()
	h, err := capture.OpenHistory([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var list []string
	e := New(Config{OnFact: func(r *FactRecord) error {
		if slices.Contains(facts, r.Name()) {
			list = append(list, strings.ToLower(string(r.Value())))
		}
		return nil
	}})
	if err := e.Run(context.Background(), h.Next); err != nil {
		t.Fatal(err)
	}
	return distinct(list)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// tshark is the values of fields in a capture, by field.
func tshark(t *testing.T, path string, fields ...string) map[string][]string {
	t.Helper()
	args := []string{"-r", path, "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command("tshark", args...).Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("tshark %s: %v", path, err)
	}
	values := map[string][]string{}
	for line := range bytes.Lines(out) {
		for i, column := range strings.Split(strings.TrimSuffix(string(line), "\n"), "\t") {
			for _, v := range strings.Split(column, ",") {
				if v != "" && i < len(fields) {
					values[fields[i]] = append(values[fields[i]], strings.ToLower(v))
				}
			}
		}
	}
	return values
}

// Names in DNS questions and in TLS and QUIC hellos are those that tshark reads, on real captures of devices.
func TestNamesAreThoseThatTsharkReads(t *testing.T) {
	needShared(t)
	if testing.Short() {
		t.Skip("reads many captures")
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Skip("needs tshark")
	}
	devices, err := filepath.Glob(shared + "/captures/devices/*/*/*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	home, err := filepath.Glob(shared + "/captures/home/*/*/*.pcap")
	if err != nil {
		t.Fatal(err)
	}
	const every = 8 // of the many set-ups of one device
	for i, path := range append(home, devices...) {
		if i >= len(home) && i%every != 0 {
			continue
		}
		truth := tshark(t, path, "dns.qry.name", "tls.handshake.extensions_server_name")
		var asked []string
		for _, name := range truth["dns.qry.name"] {
			// multicast DNS is told by its services and hosts, reverse lookups by nothing
			if !strings.HasSuffix(name, ".local") && !strings.HasSuffix(name, ".arpa") && !strings.Contains(name, "<") {
				asked = append(asked, name)
			}
		}
		ours := said(t, path, "dns.query", "dns.answer", "nbns.query", "nbns.name", "llmnr.query", "mdns.query")
		for _, name := range distinct(asked) {
			if !slices.Contains(ours, name) {
				t.Errorf("%s: tshark reads a question for %s", path, name)
			}
		}
		if diff := cmp.Diff(distinct(truth["tls.handshake.extensions_server_name"]), said(t, path, "tls.sni")); diff != "" {
			t.Errorf("%s: names in hellos, tshark's (-) and ours (+):\n%s", path, diff)
		}
	}
}

// hello is one JA4 with the client that sent it.
type hello struct{ addr, port, ja4 string }

func hellos(t *testing.T, path string) []hello {
	t.Helper()
	h, err := capture.OpenHistory([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var list []hello
	e := New(Config{OnFlow: func(r *FlowRecord) error {
		if r.JA4() != "" {
			list = append(list, hello{r.Addr[flow.Orig].Netip().String(), strconv.Itoa(int(r.Port[flow.Orig])), r.JA4()})
		}
		return nil
	}})
	if err := e.Run(context.Background(), h.Next); err != nil {
		t.Fatal(err)
	}
	return list
}

// FoxIO, who made JA4, and Arkime publish what their programs say of these captures.
func TestJA4IsThatOfItsAuthors(t *testing.T) {
	needShared(t)
	published := 0
	files, err := filepath.Glob(shared + "/expected/ja4/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no expected outputs")
	}
	for _, file := range files {
		var rows []struct {
			Src  string `json:"src"`
			Port string `json:"src_port"`
			JA4  string `json:"ja4"`
		}
		read(t, file, &rows)
		var want []hello
		for _, r := range rows {
			if r.JA4 != "" {
				want = append(want, hello{r.Src, r.Port, r.JA4})
			}
		}
		published += len(want)
		compare(t, filepath.Join(shared, "captures/protocols/ja4", strings.TrimSuffix(filepath.Base(file), ".json")), want, "")
	}
	files, err = filepath.Glob(shared + "/expected/arkime/*.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".test")
		var sessions struct {
			Sessions3 []struct {
				Body struct {
					Source struct {
						IP   string `json:"ip"`
						Port int    `json:"port"`
					} `json:"source"`
					TLS struct {
						JA4 []string `json:"ja4"`
					} `json:"tls"`
				} `json:"body"`
			} `json:"sessions3"`
		}
		read(t, file, &sessions)
		var want []hello
		for _, s := range sessions.Sessions3 {
			for _, ja4 := range s.Body.TLS.JA4 {
				want = append(want, hello{s.Body.Source.IP, strconv.Itoa(s.Body.Source.Port), ja4})
			}
		}
		published += len(want)
		if len(want) > 0 {
			without := ""
			if name == "arkime_synthetic" {
				without = "dd2i010000_" // Arkime does not look into this lone hello
			}
			compare(t, filepath.Join(shared, "captures/protocols/arkime", name+".pcap"), want, without)
		}
	}
	t.Logf("%d published fingerprints", published)
}

// compare compares fingerprints. Those that begin with without are ones that the authors' program does not make.
func compare(t *testing.T, path string, want []hello, without string) {
	t.Helper()
	order := func(a, b hello) int {
		return strings.Compare(a.addr+" "+a.port+" "+a.ja4, b.addr+" "+b.port+" "+b.ja4)
	}
	got := slices.DeleteFunc(hellos(t, path), func(h hello) bool { return without != "" && strings.HasPrefix(h.ja4, without) })
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hello{})); diff != "" {
		t.Errorf("%s: published (-) and ours (+):\n%s", path, diff)
	}
}

func read(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}
