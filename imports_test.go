package plimsoll_test

import (
	"go/ast"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "plimsoll.example/plimsoll"

// ranks orders the packages, the lowest first: one may import only those of a lower rank. A name ending in /*
// stands for the folders directly below it that have no rank of their own.
var ranks = [][]string{
	// Small sure things.
	{"internal/picture"},
	{
		"internal/advisory/record", "internal/advisory/version", "internal/config", "internal/durable", "internal/frame", "internal/internet", "internal/locale", "internal/locale/localetest", "internal/netnstest",
		"internal/psl", "internal/qr",
	},

	// What was agreed, and what a maker says that a device may do: for other programs too.
	{"label", "mud", "norms"},

	// What a protocol says; first the forms that several protocols share.
	{"internal/country", "internal/dissect", "internal/oui"},
	{"internal/country/gen", "internal/dissect/domain", "internal/dissect/stream", "internal/identify/gen", "internal/locale/gen", "internal/oui/gen"},
	{"internal/dissect/line"},
	{"internal/dissect/*"},

	// Conversations, and who has them.
	{"internal/flow"},
	{"internal/device"},

	// Pure decisions and words: no clock, no input, no output.
	{"internal/cta2120", "internal/finding", "internal/policy"},
	{"internal/assess", "internal/glance", "internal/grade", "internal/guide"},
	{"internal/labelart"},

	// What touches the world.
	{
		"internal/advisory", "internal/auth", "internal/baseline", "internal/blob", "internal/capture", "internal/certtest", "internal/dots",
		"internal/identify", "internal/indicator", "internal/lab/*", "internal/labellog", "internal/learn", "internal/mudcache",
		"internal/nft", "internal/notice", "internal/probe", "internal/quarantine", "internal/resolver", "internal/trust",
	},
	{"internal/advisory/*", "internal/detect", "internal/passkey"},
	{"internal/advisory/feed", "internal/advisory/record/recordtest", "internal/passkey/passkeytest"},

	// What the program does. lab plays homes, for tests, the demo and benchmarks.
	{"internal/fleet", "internal/forum", "internal/home", "internal/inspect", "internal/lab", "internal/registry"},
	{"internal/review"},

	// Stores, pages, commands.
	{
		"internal/enforce", "internal/eve", "internal/lab/dnsbench", "internal/lab/holdperf", "internal/lab/labgen", "internal/lab/perf", "internal/lab/stage",
		"internal/postgres", "internal/report", "internal/sqlite", "internal/storetest",
	},
	{"internal/web/asset", "internal/web/asset/bundle"},
	{"internal/web/asset/gen", "internal/web/page"},
	{"internal/web/*"},
	{"internal/web/household/householdtest", "internal/web/shop/shoptest"},
	{"cmd/plimsoll", "internal/lab/registryperf"},
	{"test/conformance"}, // the program as others meet it
}

// sideways lists the dissectors that read another protocol's format inside their own.
var sideways = map[string][]string{
	"internal/dissect/llmnr": {"internal/dissect/dns"},
	"internal/dissect/mdns":  {"internal/dissect/dns"},
	"internal/dissect/nbns":  {"internal/dissect/dns"},
	"internal/dissect/quic":  {"internal/dissect/tls"},
	"internal/dissect/http":  {"internal/dissect/upnp"},
	"internal/dissect/rtsp":  {"internal/dissect/http"},
	"internal/dissect/ssdp":  {"internal/dissect/http"},
}

// forbidden names imports that no package may have, each with what to use instead.
var forbidden = map[string]string{
	"log":                          "log/slog, passed in",
	"math/rand":                    "math/rand/v2 with a seed, or crypto/rand for what must stay secret",
	"io/ioutil":                    "io and os",
	"github.com/pkg/errors":        "errors and fmt.Errorf",
	"github.com/stretchr/testify":  "testing and go-cmp",
	"github.com/google/gopacket":   "internal/frame and internal/dissect",
	"github.com/gopacket/gopacket": "internal/frame and internal/dissect",
}

// baskets are package names that say nothing of what is inside.
var baskets = []string{"common", "core", "helper", "helpers", "manager", "misc", "models", "pkg", "service", "types", "util", "utils"}

func rankOf(pkg string) (rank int, ok bool) {
	if pkg == "" { // the module's root holds tests alone
		return 0, true
	}
	for _, name := range []string{pkg, path.Dir(pkg) + "/*"} {
		for rank, names := range ranks {
			if slices.Contains(names, name) {
				return rank, true
			}
		}
	}
	return 0, false
}

// outside reports whether a package is of a rank that touches the world. Below, nothing speaks to the network,
// and time is capture time or a parameter.
func outside(pkg string) bool {
	rank, ok := rankOf(pkg)
	first, _ := rankOf("internal/capture")
	return !ok || rank >= first
}

func TestEveryPackageHasARankAndImportsOnlyLowerOnes(t *testing.T) {
	for _, p := range packages(t) {
		r, ok := rankOf(p.name)
		if !ok {
			t.Errorf("%s has no rank: say in imports_test.go where it stands", p.name)
			continue
		}
		for _, imp := range p.imports {
			dep, ours := strings.CutPrefix(imp, module+"/")
			if !ours || slices.Contains(sideways[p.name], dep) {
				continue
			}
			if d, ok := rankOf(dep); ok && d >= r {
				t.Errorf("%s (rank %d) imports %s (rank %d)", p.name, r, dep, d)
			}
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	for _, p := range packages(t) {
		for _, imp := range slices.Concat(p.imports, p.testImports) {
			for bad, instead := range forbidden {
				if imp == bad || strings.Contains(bad, ".") && strings.HasPrefix(imp, bad+"/") {
					t.Errorf("%s imports %s: use %s", p.name, imp, instead)
				}
			}
		}
		if !outside(p.name) && slices.Contains(p.imports, "net/http") {
			t.Errorf("%s imports net/http: at its rank nothing speaks to the network", p.name)
		}
		if !slices.Contains([]string{"internal/sqlite", "internal/postgres"}, p.name) && slices.Contains(p.imports, "database/sql") {
			t.Errorf("%s imports database/sql: SQL lives in the stores", p.name)
		}
	}
}

func TestNoPackageIsABasket(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(baskets, path.Base(p.name)) {
			t.Errorf("%s: a package is named for what it holds", p.name)
		}
	}
}

func TestLowRanksDoNotReadTheClock(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || outside(f.pkg) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, s.Sel.Name) {
				t.Errorf("%s: time.%s: at this rank, time is capture time or a parameter", f.at(s), s.Sel.Name)
			}
			return true
		})
	}
}

// pkg is one package of the module, as the go command sees it.
type pkg struct {
	name        string // relative to the module; "" is its root
	imports     []string
	testImports []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	const format = `{{.ImportPath}}|{{join .Imports " "}}|{{join .TestImports " "}} {{join .XTestImports " "}}`
	out, err := exec.Command("go", "list", "-e", "-buildvcs=false", "-f", format, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for line := range strings.Lines(string(out)) {
		f := strings.Split(line, "|")
		list = append(list, pkg{
			name:        strings.TrimPrefix(strings.TrimPrefix(f[0], module), "/"),
			imports:     strings.Fields(f[1]),
			testImports: strings.Fields(f[2]),
		})
	}
	if len(list) < 3 {
		t.Fatalf("go list names %d packages: is the test run in the module's root?", len(list))
	}
	return list
}
