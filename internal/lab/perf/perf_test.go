package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/lab/document"
)

func milliseconds(list ...int) (t times) {
	for _, n := range list {
		t = append(t, time.Duration(n)*time.Millisecond)
	}
	return t
}

func TestTable(t *testing.T) {
	home := result{capture: "home", packets: 2_449_438, octets: 753_989_323, peak: 50_168}
	home.times[floor] = milliseconds(160, 150, 190)
	home.times[inspect] = milliseconds(420, 400, 480)
	home.times[oneCore] = milliseconds(700, 690, 900)
	home.times[ndpi] = milliseconds(24_000)
	home.times[tshark] = milliseconds(3_000)
	small := result{capture: "small", packets: 950, octets: 95_000, peak: 9_000} // and no other program is installed
	small.times[floor] = milliseconds(10)
	small.times[inspect] = milliseconds(20, 30)
	small.times[oneCore] = milliseconds(25)
	want := `
| capture | packets | octets | floor, s | inspect, s | × floor | one core, s | speed-up | ndpiReader, × inspect | tshark, × inspect | peak RSS |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| home | 2.45 M | 754 MB | 0.16 (0.15–0.19) | 0.42 (0.40–0.48) | 2.6× | 0.70 (0.69–0.90) | 1.7× | 57× | 7.1× | 49 MiB |
| small | 950 | 95.0 kB | 0.01 | 0.03 (0.02–0.03) | 2.5× | 0.03 | 1.0× | – | – | 9 MiB |
`
	if diff := cmp.Diff(want[1:], table([]result{home, small})); diff != "" {
		t.Error(diff)
	}
}

func TestScaledHasThreeDigits(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 ", 999: "999 ", 1000: "1.00 k", 9_994: "9.99 k", 9_996: "10.0 k", 99_949: "99.9 k", 99_951: "100 k",
		999_499: "999 k", 999_501: "1.00 M", 1_073_994_603: "1.07 G", 5_000_000_000_000_000: "5000 T",
	} {
		if got := scaled(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestTheProjectsDocumentHasMarkers(t *testing.T) {
	if _, err := document.Open("../../../docs/performance.md", place); err != nil {
		t.Error(err)
	}
}

func TestVersionOfWhatAProgramSays(t *testing.T) {
	for said, want := range map[string]string{
		"Welcome to nDPI 4.2.0\n\nndpiReader -i <file|device>": "4.2.0",
		"TShark (Wireshark) 4.0.17 (Git v4.0.17 packaged)":     "4.0.17",
		"no number": "",
	} {
		if got := version([]byte(said)); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func TestProgramThatFailsIsToldWithItsReason(t *testing.T) {
	p := program{name: "go", path: "go", args: []string{"no-such-verb"}}
	_, err := p.run(t.Context(), "file.pcap")
	if err == nil || !strings.Contains(err.Error(), "go file.pcap: exit status") || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("%v", err)
	}
}

func TestCountsWantTheWordsOfHeaders(t *testing.T) {
	packets, octets, err := counts([]byte("1000 octets; unread 1, link 2, network 3, transport 4\n"))
	if packets != 10 || octets != 1000 || err != nil {
		t.Errorf("%d packets, %d octets, %v", packets, octets, err)
	}
	if _, _, err := counts([]byte("usage")); err == nil {
		t.Error("takes a usage text for counts")
	}
}

// The whole command, on a small capture: it builds the program and runs what is installed.
func TestMeasuresAndWritesTheDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs whole programs")
	}
	doc := filepath.Join(t.TempDir(), "performance.md")
	if err := os.WriteFile(doc, []byte("Before\n<!-- measured -->\n<!-- /measured -->\nAfter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"-runs", "2", "-o", doc, "../../../testdata/attack.pcap"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(doc)
	if err != nil {
		t.Fatal(err)
	}
	if text := string(b); !strings.Contains(text, "\n| attack | ") || !strings.Contains(text, out.String()) ||
		!strings.HasPrefix(text, "Before\n") || !strings.HasSuffix(text, "\nAfter\n") {
		t.Errorf("the document is\n%s", text)
	}
	for _, args := range [][]string{
		{"-runs", "0"}, {"-o", filepath.Join(t.TempDir(), "none.md")}, {"no-such.pcap"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
