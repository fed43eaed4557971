package oui

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
)

func TestLookupNamesTheAssignee(t *testing.T) {
	for _, tt := range []struct {
		name, mac, want string
		bits            int
	}{
		{"MA-L", "00:17:88:24:76:ff", "Philips Lighting BV", 24},
		{"MA-L, first of the registry", "00:00:00:12:34:56", "XEROX CORPORATION", 24},
		{"MA-L, assigned after Debian's listing", "f4:21:ae:9e:8f:cb", "Shanghai Xiaodu Technology Limited", 24},
		{"MA-M", "20:85:93:b1:23:45", "IOG Products LLC", 28},
		{"MA-S", "70:b3:d5:f2:f1:23", "TELEPLATFORMS", 36},
		{"privacy asked for", "74:1a:e0:91:23:45", "", 0},
		{"locally administered", "da:a1:19:00:00:01", "", 0},
		{"multicast", "01:00:5e:00:00:fb", "", 0},
		{"broadcast", "ff:ff:ff:ff:ff:ff", "", 0},
		{"beyond the last assignment", "fc:ff:ff:ff:ff:ff", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := frame.ParseMAC(tt.mac)
			if err != nil {
				t.Fatal(err)
			}
			got, bits := Lookup(m)
			if got != tt.want || bits != tt.bits {
				t.Errorf("Lookup(%s) = %q, %d; want %q, %d", m, got, bits, tt.want, tt.bits)
			}
		})
	}
}

func TestLookupAllocatesNothing(t *testing.T) {
	m := frame.MAC{0x70, 0xb3, 0xd5, 0xf2, 0xf1, 0x23}
	if n := testing.AllocsPerRun(100, func() { Lookup(m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRegistryIsSortedAndSmall(t *testing.T) {
	if !strings.HasPrefix(registry, magic) || len(registry) >= 1<<20 {
		t.Fatalf("%d octets that begin with %q", len(registry), registry[:4])
	}
	at, total := headerLen, 0
	for i, table := range tables {
		last := ""
		for range rows(i) {
			if p := registry[at : at+table.octets]; p <= last {
				t.Fatalf("prefix %x after %x", p, last)
			} else {
				last = p
			}
			at += table.octets + placeLen
			total++
		}
	}
	if total < 45000 {
		t.Errorf("%d assignments only", total)
	}
}

// The block in the repository is what the command makes of its sources.
func TestRegistryIsReproducible(t *testing.T) {
	sources := []string{
		"/usr/share/ieee-data/oui.csv", "/usr/share/ieee-data/mam.csv", "/usr/share/ieee-data/oui36.csv",
		"../../../shared/data/fingerprints/ieee/oui.csv.gz",
	}
	for i, size := range []int64{3018430, 481665, 456416, 1149764} { // of the editions that it was made of
		if info, err := os.Stat(sources[i]); err != nil || info.Size() != size {
			t.Skipf("%s is not here in the edition that registry.bin was made of", sources[i])
		}
	}
	out := filepath.Join(t.TempDir(), "registry.bin")
	cmd := exec.Command("go", append([]string{"run", "./gen", "-o", out}, sources...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != registry {
		t.Error("registry.bin is not what gen makes of the listings")
	}
}

func TestShortIsWhatPeopleSay(t *testing.T) {
	for assignee, want := range map[string]string{
		"TP-LINK TECHNOLOGIES CO.,LTD.":                  "TP-Link",
		"Hangzhou Hikvision Digital Technology Co.,Ltd.": "Hikvision",
		"Philips Lighting BV":                            "Philips",
		"Signify B.V.":                                   "Philips",
		"eQ-3 Entwicklung GmbH":                          "eQ-3",
		"Shanghai Xiaodu Technology Limited":             "Xiaodu",
		"Hewlett Packard Enterprise":                     "HPE",
		"Hewlett Packard":                                "HP",
		"SHENZHEN BILIAN ELECTRONIC CO.，LTD":             "Bilian",
		"Chipsea Technologies (Shenzhen) Corp.":          "Chipsea",
		"Grandstream Networks, Inc.":                     "Grandstream",
		"Transit Solutions, LLC.":                        "Transit",
		"Hitron Technologies. Inc":                       "Hitron",
		"Ringler-Informatik AG":                          "Ringler-Informatik",
		"Wizardlab Co., Ltd.":                            "Wizardlab",
		"THE LINKSYS GROUP, INC.":                        "Linksys",
		"Co., Ltd.":                                      "Co.",
		"":                                               "",
	} {
		if got := Short(assignee); got != want {
			t.Errorf("Short(%q) = %q, want %q", assignee, got, want)
		}
	}
}

func TestAliasesAreSorted(t *testing.T) {
	if !slices.IsSortedFunc(aliases[:], func(a, b alias) int { return strings.Compare(a.prefix, b.prefix) }) {
		t.Error("the aliases are not in the order of their prefixes")
	}
	for i, a := range aliases {
		if a.prefix != strings.ToLower(a.prefix) || i > 0 && a.prefix == aliases[i-1].prefix {
			t.Errorf("prefix %q is not in lower case, or stands twice", a.prefix)
		}
	}
}

func FuzzShort(f *testing.F) {
	f.Add("TP-LINK TECHNOLOGIES CO.,LTD.")
	f.Add("（）, . Ltd")
	f.Add("\xff\xfe Ltd.")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Short(s); len(got) > len(s)+64 {
			t.Errorf("Short(%q) = %q grew", s, got)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	m := frame.MAC{0x50, 0xc7, 0xbf, 1, 2, 3}
	for b.Loop() {
		Lookup(m)
	}
}
