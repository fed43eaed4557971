//go:build !gateway

package main

import (
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
