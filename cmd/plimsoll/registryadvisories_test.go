//go:build !gateway

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scriptFiles writes the files of a script in testdata into a folder.
func scriptFiles(t *testing.T, script string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", script))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, part := range strings.Split(string(data), "\n-- ")[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func TestWhatIsPrintedOfAdvisoriesIsAsTheSchemaSays(t *testing.T) {
	dir := scriptFiles(t, "advisories.txtar")
	srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer srv.Close()
	for _, args := range [][]string{
		{"registry", "advisories", dir + "/kev.json", dir + "/cves", "--products", dir + "/products.json", "--json"},
		{"registry", "advisories", srv.URL + "/kev.json", dir + "/broken.json", "--products", dir + "/products.json", "--json"},
		{"registry", "advisories", dir + "/cves", "Example Cameras=" + dir + "/vex.json", "--products", dir + "/statement.json", "--json"},
	} {
		_, stdout, _ := call(t, nil, args...)
		validate(t, "registry-advisories.json", stdout)
	}
	dir = scriptFiles(t, "labelexport.txtar")
	_, stdout, _ := call(t, nil, "label", "import", dir+"/cta.json", "--json")
	validate(t, "label-import.json", stdout)
}

// The samples of all forms lead to what docs/advisories.md says.
func TestTheSamplesOfFeedsAreRead(t *testing.T) {
	doc, err := os.ReadFile("../../docs/advisories.md")
	if err != nil {
		t.Fatal(err)
	}
	_, args, _ := strings.Cut(string(doc), "plimsoll registry advisories kev.json cve ")
	args, _, _ = strings.Cut(args, "\n")
	t.Chdir("../../testdata/advisories")
	code, stdout, stderr := call(t, nil, append(strings.Fields("registry advisories kev.json cve "+args), "--json")...)
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	validate(t, "registry-advisories.json", stdout)
	var a advised
	if err := json.Unmarshal([]byte(stdout), &a); err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Feeds {
		if f.Records == 0 || f.Skipped > 0 || f.Problem != "" {
			t.Errorf("%+v", f)
		}
	}
	said := map[string]bool{}
	for _, m := range a.Matches {
		said[string(m.Source)] = true
	}
	for _, s := range []string{"cve", "kev", "euvd", "osv", "csaf", "openvex", "dcl"} {
		if !said[s] {
			t.Errorf("%s says nothing of any product", s)
		}
	}
	did := map[string]bool{}
	for _, c := range a.Changes {
		did[fmt.Sprint(c.Product, " ", c.Act, " ", c.Person)] = true
	}
	if !did["09506000134352 suspend false"] || did["mended suspend false"] || !did["lamp open false"] {
		t.Errorf("what follows: %v", did)
	}
	if code, stdout, stderr := call(t, nil, "label", "import", "cta-2120.json"); code != exitDone || !strings.Contains(stdout, "EX-210") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// The labels of a registry are read page by page, and a page that leads nowhere ends it.
func TestTheLabelsOfARegistryAreLookedAt(t *testing.T) {
	dir := scriptFiles(t, "advisories.txtar")
	statement, err := os.ReadFile(dir + "/statement.json")
	if err != nil {
		t.Fatal(err)
	}
	next := "7"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, at := `{"labels": [], "next": -1}`, r.URL.Query().Get("from")
		if at == "0" {
			page = `{"labels": [{"id": "aa", "product": ` + string(statement) + `, "status": "active"}], "next": ` + next + `}`
		}
		if _, err := w.Write([]byte(page)); err != nil {
			t.Error(err)
		}
	}))
	defer srv.Close()
	code, stdout, stderr := call(t, nil, "registry", "advisories", dir+"/kev.json", dir+"/cves", "--registry", srv.URL)
	if code != exitDone || !strings.Contains(stdout, "aa: the label is suspended: CVE-2026-0001") {
		t.Errorf("exit %d: %s %s", code, stdout, stderr)
	}
	next = "0"
	if code, _, stderr := call(t, nil, "registry", "advisories", dir+"/kev.json", "--registry", srv.URL); code != exitFailed || !strings.Contains(stderr, "its page after 0 is 0") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
