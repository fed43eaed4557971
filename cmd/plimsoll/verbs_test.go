//go:build !gateway

package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/storetest"
	"plimsoll.example/plimsoll/label"
)

// silent are the verbs that read nothing that a program could want as JSON.
var silent = []string{
	"completion", "demo", "headers", "help", "home export", "home off", "home run", "label export", "label grant", "label print", "label qr", "label restore", "label sign", "label suspend", "label withdraw", "man", "mud sign", "up",
	"registry account add", "registry account end", "registry account extend", "registry bundle", "registry key make", "registry key rotate", "registry person add", "registry person remove", "registry person reset", "registry run", "registry witness",
}

func TestEveryVerbThatReadsTellsProgramsToo(t *testing.T) {
	for _, c := range leaves(newRoot(env{}, locale.New(locale.English))) {
		name := strings.Join(verbParts(c), " ")
		if has := c.Flags().Lookup("json") != nil; has == slices.Contains(silent, name) {
			t.Errorf("plimsoll %s: --json is there: %v", name, has)
		}
	}
}

func TestEveryVerbHelpsAndRefusesInBothLanguages(t *testing.T) {
	for _, l := range locale.Languages {
		words := locale.New(l)
		var all []*cobra.Command
		var walk func(*cobra.Command)
		walk = func(c *cobra.Command) {
			all = append(all, c)
			for _, v := range c.Commands() {
				walk(v)
			}
		}
		walk(newRoot(env{}, words))
		for _, c := range all {
			args := append([]string{"--lang", string(l)}, verbParts(c)...)
			code, stdout, stderr := call(t, nil, append(args, "--help")...)
			if code != exitDone || stderr != "" {
				t.Errorf("%v --help: exit %d, %s", args, code, stderr)
			}
			examples, usage := strings.Index(stdout, words.Text("cli.examples")), strings.Index(stdout, words.Text("cli.usage"))
			if examples < 0 || usage < examples {
				t.Errorf("%v --help has no examples, or they do not come first", args)
			}
			code, stdout, stderr = call(t, nil, append(args, "--bogus")...)
			if want := words.Text("error.flag.unknown", "name", "--bogus", "command", c.CommandPath()); code != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
				t.Errorf("%v --bogus: exit %d, %q, %q", args, code, stdout, stderr)
			}
		}
	}
}

func TestVerbsThatTakeNothingRefuseWhatIsNamed(t *testing.T) {
	words := locale.New(locale.English)
	for _, c := range leaves(newRoot(env{}, words)) {
		takesNone := words.Text(key(c)+".usage") == "[flags]"
		if err := c.ValidateArgs([]string{"bogus"}); takesNone && err == nil && c.Parent().Name() != "norms" { // which says more
			t.Errorf("%s takes nothing, and passes over what is named", c.CommandPath())
		}
	}
}

// mudFiles writes the MUD files of testdata/mud.txtar, and what else verbs are shown, into a folder.
func mudFiles(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/mud.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, part := range strings.Split(string(script), "\n-- ")[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"good.toml": "lang = 'en'\n", "capture.json": `{"schema": "plimsoll.inspect/1"}`,
		"product.json": `{"gtin": "09506000134352", "maker": "Example Lamps", "model": "LP-110"}`, "bad.toml": "lung = 'en'\n", "bad.pem": "x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := call(t, nil, "mud", "qr", filepath.Join(dir, "lamp.json"), "--out", filepath.Join(dir, "sticker.png")); code != exitDone {
		t.Fatal(stderr)
	}
	someLabel(t, dir)
	key, cert := signer(t)
	for name, file := range map[string]string{"key.pem": key, "cert.pem": cert} {
		if err := os.Rename(file, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, stderr := call(t, nil, "mud", "sign", filepath.Join(dir, "lamp.json"), "--key", filepath.Join(dir, "key.pem"),
		"--cert", filepath.Join(dir, "cert.pem"), "--out", filepath.Join(dir, "lamp.p7s")); code != exitDone {
		t.Fatal(stderr)
	}
	return dir
}

// someLabel writes a label, and the keys of its issuer, into a folder.
func someLabel(t *testing.T, dir string) {
	t.Helper()
	private, known, err := makeKey(keyIssuer, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"issuer.key": private, "i.pem": known} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := readSigningKey(filepath.Join(dir, "issuer.key"))
	if err != nil {
		t.Fatal(err)
	}
	sign1, err := label.Sign(storetest.Statement(1, 0, label.DayOf(time.Now())), key)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := (&label.Envelope{Version: label.Version, Label: sign1}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "some.label"), envelope, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What each verb can come to, by exit code. HOME stands for a capture, DIR for the folder of mudFiles, TAKEN for an address in use. What is not
// permitted needs a thread without rights: that is tested beside the interfaces. The rest of mud fetch needs a server.
var outcomes = map[string]map[int][]string{
	"completion": {exitDone: {"bash", "zsh", "fish"}, exitUsage: {"", "tcsh"}},
	"config check": {
		exitDone: {"DIR/good.toml", "DIR/good.toml --json"}, exitFailed: {"DIR/bad.toml", "DIR/bad.toml --json", "DIR/lamp.json"},
		exitUsage: {"a b"}, exitNotFound: {"DIR/none.toml"},
	},
	"config show": {
		exitDone:  {"", "--json", "--origin mud fetch", "--config DIR/good.toml", "inspect -- --memory 1GiB"},
		exitUsage: {"frobnicate", "help", "--config DIR/bad.toml", "inspect -- --bogus"}, exitFailed: {"--config /dev/zero"}, exitNotFound: {"--config DIR/none.toml"},
	},
	"devices": {
		exitDone: {"HOME", "HOME --json"}, exitFailed: {"DIR/lamp.json"}, exitUsage: {"", "--memory lots HOME"},
		exitFound: {"--fail-on info HOME"}, exitNotFound: {"none.pcap"}, exitInterrupted: {"HOME"},
	},
	"guide":   {exitDone: {"", "--json", "camera", "camera --json"}, exitUsage: {"camera lock"}, exitNotFound: {"toaster"}},
	"demo":    {exitUsage: {"a", "--http 192.0.2.1:1"}, exitFailed: {"--http TAKEN"}}, // the rest is tested with a browser’s eyes
	"up":      {exitUsage: {"a"}, exitNotFound: {"--lan none0 --state DIR/up"}},
	"headers": {exitDone: {"HOME"}, exitFailed: {"DIR/lamp.json"}, exitUsage: {""}, exitNotFound: {"none.pcap"}},
	"help":    {exitDone: {"", "inspect", "mud fetch"}, exitUsage: {"frobnicate"}},
	"inspect": {
		exitDone: {"HOME", "HOME --json", "--fail-on critical HOME"}, exitFailed: {"DIR/lamp.json", "--indicators DIR/lamp.json HOME"},
		exitUsage: {"", "--json --flows - HOME", "--threshold x=1 HOME"}, exitFound: {"--fail-on info HOME", "--json --fail-on info HOME"},
		exitNotFound:    {"none.pcap", "-i nosuch0", "--mud DIR/none HOME", "--flows DIR/none/f HOME", "--indicators none HOME", "--config DIR/none.toml HOME"},
		exitInterrupted: {"HOME"},
	},
	"label compare": {exitUsage: {"", "DIR/lamp.json"}, exitUnverified: {"DIR/lamp.json DIR/lamp.json"}, exitNotFound: {"none.label none.label"}},
	"label print": {
		exitUsage:      {"", "DIR/lamp.json", "DIR/lamp.json --out x.pdf --form wall"},
		exitUnverified: {"DIR/lamp.json --resolver id.registry.example --out DIR/x.pdf"}, exitNotFound: {"none.label --resolver id.registry.example --out DIR/x.pdf"},
	},
	"label assess": { // its 3 is tested with its schema
		exitDone:   {"--product DIR/product.json", "--product DIR/product.json --json", "--product DIR/product.json --out DIR/statement.json --fail-on low"},
		exitFailed: {"--product DIR/lamp.json", "--product DIR/product.json --declaration DIR/bad.toml", "DIR/capture.json --product DIR/product.json"},
		exitUsage:  {"", "--product DIR/product.json --json --out -"}, exitNotFound: {"--product none.json", "none.json --product DIR/product.json"},
	},
	"label export": { // the rest is in testdata/labelexport.txtar
		exitUsage: {"", "DIR/lamp.json", "DIR/lamp.json --format xml"}, exitUnverified: {"DIR/lamp.json --format csv"}, exitNotFound: {"none.label --format csv"},
	},
	"label import": {exitFailed: {"DIR/lamp.json"}, exitUsage: {""}, exitNotFound: {"none.json"}},
	// the 0 of what speaks to a registry is tested with one
	"label grant":    {exitFailed: {"DIR/some.label --registry http://127.0.0.1:1"}, exitUsage: {"", "DIR/some.label", "DIR/some.label --registry http://registry.example"}, exitUnverified: {"DIR/lamp.json --registry https://r.example"}, exitNotFound: {"none.label --registry https://r.example"}},
	"label restore":  {exitFailed: {"DIR/some.label --registry http://127.0.0.1:1 --key DIR/issuer.key --reason remedied"}, exitUsage: {"", "DIR/some.label"}, exitNotFound: {"none.label --registry https://r.example --key k --reason remedied"}},
	"label suspend":  {exitFailed: {"DIR/some.label --registry http://127.0.0.1:1 --key DIR/issuer.key --reason exploited"}, exitUsage: {"", "DIR/some.label"}, exitNotFound: {"DIR/some.label --registry https://r.example --key none.key --reason exploited"}},
	"label withdraw": {exitFailed: {"DIR/some.label --registry http://127.0.0.1:1 --key DIR/issuer.key --reason other"}, exitUsage: {"", "DIR/some.label"}, exitNotFound: {"DIR/some.label --registry https://r.example --key none.key --reason other"}},
	"label qr":       {exitUsage: {"", "DIR/lamp.json"}, exitUnverified: {"DIR/lamp.json --resolver id.registry.example"}, exitNotFound: {"none.label --resolver id.registry.example"}},
	"label show":     {exitUsage: {""}, exitUnverified: {"DIR/lamp.json"}, exitNotFound: {"none.label"}},
	"label sign":     {exitFailed: {"DIR/lamp.json --key DIR/key.pem --out DIR/x.label"}, exitUsage: {"", "DIR/lamp.json"}, exitNotFound: {"none.json --key DIR/key.pem --out DIR/x.label"}},
	"label verify": { // its 0 and 3 are tested with its schema
		exitFailed: {"DIR/lamp.json --issuer-key DIR/cert.pem"}, exitUsage: {"", "DIR/lamp.json"}, exitNotFound: {"none.label --issuer-key none.pem"},
	},
	"man":       {exitDone: {"", "inspect", "--out DIR/man"}, exitUsage: {"frobnicate", "inspect --out DIR/man"}},
	"mud check": {exitDone: {"DIR/lamp.json", "--json DIR/lamp.json"}, exitFailed: {"DIR/broken.json", "--strict DIR/old.json"}, exitUsage: {""}, exitNotFound: {"none.json"}},
	"mud compile": {
		exitDone:   {"DIR/lamp.json --device 50:c7:bf:1d:77:0e", "DIR/lamp.json --json --device 50:c7:bf:1d:77:0e"},
		exitFailed: {"DIR/broken.json --device 50:c7:bf:1d:77:0e"}, exitUsage: {"", "DIR/lamp.json", "DIR/lamp.json --device lamp"},
		exitNotFound: {"none.json --device 50:c7:bf:1d:77:0e", "DIR/lamp.json --network none.pcap --device 50:c7:bf:1d:77:0e"},
	},
	"mud diff":  {exitDone: {"DIR/lamp.json DIR/new.json"}, exitFailed: {"DIR/lamp.json DIR/broken.json"}, exitUsage: {"", "DIR/lamp.json"}, exitNotFound: {"DIR/lamp.json none.json"}},
	"mud fetch": {exitFailed: {"http://lamps.example/lamp.json --state DIR/state"}, exitUsage: {"", "--allow x https://lamps.example/"}, exitNotFound: {"https://lamps.example/ --state DIR/state --anchors none.pem"}},
	"mud learn": {
		exitDone: {"HOME --device 50:c7:bf:1d:77:0e", "HOME --device 50:c7:bf:1d:77:0e --json --out DIR/learned.json"}, exitFailed: {"DIR/lamp.json --device 50:c7:bf:1d:77:0e"},
		exitUsage: {"", "HOME", "HOME --device 50:c7:bf:1d:77:0e --json"}, exitNotFound: {"none.pcap --device 50:c7:bf:1d:77:0e", "HOME --device 02:00:5e:99:99:99"},
	},
	"mud qr": {exitDone: {"DIR/lamp.json", "--json DIR/lamp.json --out DIR/other.svg"}, exitFailed: {"DIR/broken.json"}, exitUsage: {"", "DIR/lamp.json --mac x"}, exitNotFound: {"none.json"}},
	"mud rehearse": {
		exitDone: {"DIR/lamp.json HOME --device 50:c7:bf:1d:77:0e"}, exitFailed: {"DIR/broken.json HOME --device 50:c7:bf:1d:77:0e"},
		exitUsage: {"", "DIR/lamp.json", "DIR/lamp.json HOME"}, exitNotFound: {"DIR/lamp.json none.pcap --device 50:c7:bf:1d:77:0e", "DIR/lamp.json HOME --device 02:00:5e:99:99:99"},
	},
	"mud scan": {exitDone: {"DIR/sticker.png"}, exitFailed: {"DIR/lamp.json"}, exitUsage: {""}, exitNotFound: {"none.png"}},
	"mud show": {exitDone: {"DIR/lamp.json", "--json DIR/lamp.json"}, exitFailed: {"DIR/broken.json"}, exitUsage: {"", "--json --dot DIR/lamp.json"}, exitNotFound: {"none.json"}},
	"mud sign": {
		exitDone: {"DIR/new.json --key DIR/key.pem --cert DIR/cert.pem --out DIR/new.p7s"}, exitFailed: {"DIR/new.json --key DIR/bad.pem --cert DIR/cert.pem --out DIR/new.p7s"},
		exitUsage: {"", "DIR/lamp.json"}, exitNotFound: {"DIR/none.json --key DIR/key.pem --cert DIR/cert.pem"},
	},
	"mud verify": {
		exitDone: {"DIR/lamp.json --signature DIR/lamp.p7s --anchors DIR/cert.pem"}, exitFailed: {"DIR/lamp.json --signature DIR/lamp.p7s --anchors DIR/bad.pem"},
		exitUsage: {"", "DIR/lamp.json"}, exitUnverified: {"DIR/new.json --signature DIR/lamp.p7s --anchors DIR/cert.pem", "DIR/new.json --json --signature DIR/lamp.p7s --anchors DIR/cert.pem"},
		exitNotFound: {"none.json --signature DIR/lamp.p7s --anchors DIR/cert.pem"},
	},
	"probe": { // its 0, 1 and 3 are tested with devices that are played
		exitUsage: {"", "a b", "8.8.8.8 --yes", "127.0.0.1 --yes", "192.0.2.7 --tries 101"}, exitNotFound: {"02:00:5e:99:99:99 --yes"},
	},
	"registry advisories": { // the rest is in testdata/advisories.txtar
		exitFailed: {"DIR/lamp.json --products DIR/lamp.json"}, exitUsage: {"", "DIR/lamp.json", "DIR/lamp.json --registry http://registry.example", "--products DIR/lamp.json"},
		exitNotFound: {"DIR/lamp.json --products none.json"},
	},
	"norms list": {exitDone: {"", "--json"}, exitUsage: {"etsi.5.5-1", "--source x"}},
	"norms map":  {exitDone: {"", "--json"}, exitUsage: {"etsi.5.5-1"}},
	"registry account add": {
		exitDone:   {"body --org Body --role certification-body --public DIR/i.pem --state DIR/registry-state"},
		exitFailed: {"Body --org Body --role lab --public DIR/i.pem --state DIR/registry-state"}, exitUsage: {"", "body"}, exitNotFound: {"body --public none.pem --state DIR/registry-state"},
	},
	"registry account end":    {exitUsage: {"", "body"}, exitNotFound: {"nobody --public DIR/i.pem --state DIR/registry-state"}},
	"registry account extend": {exitUsage: {"", "body --labels 0"}, exitNotFound: {"nobody --state DIR/registry-state"}},
	"registry person add":     {exitUsage: {"", "bea"}, exitNotFound: {"bea --account nobody --state DIR/registry-state"}},
	"registry person list":    {exitDone: {"--state DIR/registry-state", "--json --state DIR/registry-state"}, exitUsage: {"a"}},
	"registry person reset":   {exitUsage: {""}, exitNotFound: {"nobody --state DIR/registry-state"}},
	"registry person remove":  {exitUsage: {""}, exitNotFound: {"nobody --state DIR/registry-state"}},
	"registry account list":   {exitDone: {"--state DIR/registry-state", "--json --state DIR/registry-state"}, exitUsage: {"a"}},
	"registry audit":          {exitDone: {"--state DIR/registry-state", "--json --state DIR/registry-state"}, exitUsage: {"a", "--limit 0"}, exitFailed: {"--database DIR/lamp.json"}},
	"registry bundle":         {exitUsage: {"", "--registry ftp://x --registry-key DIR/i.pem --out x"}, exitFailed: {"--registry http://127.0.0.1:1 --registry-key DIR/i.pem --out DIR/x"}, exitNotFound: {"--registry http://127.0.0.1:1 --registry-key none.pem --out DIR/x"}},
	"registry run": {
		exitUsage: {"a", "--listen 0.0.0.0:0", "--tls-cert x", "--rate 0", "--public-url registry", "--listen here"}, exitFailed: {"--listen 127.0.0.1:0 --state DIR/registry-state --key DIR/bad.pem"},
		exitNotFound: {"--listen 127.0.0.1:0 --state DIR/registry-state --key none.key"},
	},
	"registry key list": { // the rest of registry needs a log, and is tested with one
		exitFailed: {"--log DIR --policy DIR/lamp.json"}, exitUsage: {"", "a"}, exitNotFound: {"--log DIR --policy none.policy"},
	},
	"registry key make": {
		exitDone:  {"--kind log --name log.example --out DIR/log.key", "--kind witness --name w.example --out DIR/w.key", "--kind issuer --out DIR/i.key", "--kind registry --out DIR/r.key"},
		exitUsage: {"", "--kind log --out DIR/x.key", "--kind toaster --name x --out DIR/x.key"}, exitFailed: {"--kind log --name a+b --out DIR/x.key", "--kind issuer --out DIR/key.pem"},
	},
	"registry key rotate": {exitUsage: {"", "--from soon", "--log DIR --log-key DIR/k --issuer x"}, exitNotFound: {"--log DIR --log-key none.key --issuer x --add DIR/none.pem"}},
	"registry monitor":    {exitFailed: {"--log DIR --policy DIR/lamp.json"}, exitUsage: {"", "--log DIR --policy DIR/p --bundle b"}, exitNotFound: {"--log DIR --policy none.policy"}},
	"registry proof":      {exitUsage: {"", "x.label", "x.label --policy p --log DIR --proof f"}, exitFailed: {"x.label --log DIR --policy DIR/lamp.json"}, exitNotFound: {"x.label --log DIR --policy none.policy"}},
	"registry witness":    {exitFailed: {"--policy DIR/lamp.json --witness-key DIR/key.pem"}, exitUsage: {""}, exitNotFound: {"--policy none.policy --witness-key DIR/key.pem"}},
	"norms show":          {exitDone: {"etsi.5.5-1", "etsi.5.5-1 --json"}, exitUsage: {""}, exitNotFound: {"etsi.9.9-9"}},
}

func TestEachVerbExitsAsPromised(t *testing.T) {
	dir := mudFiles(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	fill := strings.NewReplacer("HOME", played, "DIR", dir, "TAKEN", taken.Addr().String())
	for _, c := range leaves(newRoot(env{}, locale.New(locale.English))) {
		name := strings.Join(verbParts(c), " ")
		if strings.HasPrefix(name, "home ") { // needs a gateway, and is tested with it
			continue
		}
		if len(outcomes[name]) == 0 {
			t.Errorf("nothing here says how plimsoll %s exits", name)
		}
		for want, calls := range outcomes[name] {
			for _, args := range calls {
				all := append(strings.Fields(name), strings.Fields(fill.Replace(args))...)
				ctx, cancel := context.WithCancel(t.Context())
				if want == exitInterrupted {
					cancel()
				}
				var out, talk bytes.Buffer
				got := run(ctx, all, env{strings.NewReader(""), &out, &talk, func(string) string { return "" }})
				cancel()
				if got != want {
					t.Errorf("plimsoll %s %s: exit %d, want %d: %s", name, args, got, want, &talk)
				}
				if bytes.ContainsRune(append(out.Bytes(), talk.Bytes()...), '\x1b') {
					t.Errorf("plimsoll %s %s moves the terminal", name, args)
				}
				if (want == exitUsage || want == exitNotFound || want == exitUnverified) && talk.Len() == 0 {
					t.Errorf("plimsoll %s %s: exit %d without a word", name, args, got)
				}
				if (want == exitUsage || want == exitNotFound) && out.Len() > 0 {
					t.Errorf("plimsoll %s %s: exit %d, and yet it says %q", name, args, got, &out)
				}
			}
		}
	}
}

// pipe is a reader that has seen enough.
type pipe struct{}

func (pipe) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
}

func TestAReaderThatHasSeenEnoughIsNoError(t *testing.T) {
	dir := mudFiles(t)
	for _, args := range []string{"norms list", "norms map --json", "guide", "inspect " + played, "devices --json " + played, "mud show " + dir + "/lamp.json", "config show"} {
		var talk bytes.Buffer
		code := run(t.Context(), strings.Fields(args), env{nil, io.Writer(pipe{}), &talk, func(string) string { return "" }})
		if code != exitDone || talk.Len() > 0 {
			t.Errorf("plimsoll %s: exit %d, %s", args, code, &talk)
		}
	}
}
