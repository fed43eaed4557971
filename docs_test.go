package plimsoll_test

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var backticked = regexp.MustCompile("`([^`]+)`")

// table is the rows of the first table below a heading of docs/architecture.md, by what stands in their first column
// in backticks.
func table(t *testing.T, heading string) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("no heading %s", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 2 {
			continue
		}
		for _, m := range backticked.FindAllStringSubmatch(cells[0], -1) {
			if rows[m[1]] != nil {
				t.Errorf("%s is in the table twice", m[1])
			}
			rows[m[1]] = cells
		}
	}
	if len(rows) < 5 {
		t.Fatalf("%s: a table of %d rows", heading, len(rows))
	}
	return rows
}

func TestArchitectureNamesEveryPackageAndNoOther(t *testing.T) {
	rows := table(t, "Packages")
	used := map[string]bool{}
	for _, p := range packages(t) {
		if p.name == "" {
			continue
		}
		entry := p.name
		if rows[entry] == nil {
			entry = path.Dir(p.name) + "/*"
		}
		if rows[entry] == nil {
			t.Errorf("docs/architecture.md does not name %s", p.name)
		}
		used[entry] = true
	}
	for entry := range rows {
		if !used[entry] {
			t.Errorf("docs/architecture.md names %s, and there is no such package", entry)
		}
	}
}

// Each module that we import ourselves, and by which packages; tests count only where nothing else imports it.
func TestArchitectureNamesEveryDependencyAndWhoImportsIt(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(data), -1)
	rows, all := table(t, "Dependencies"), packages(t)
	for _, m := range direct {
		name := m[1]
		var by []string
		for _, p := range all {
			if slices.ContainsFunc(p.imports, func(s string) bool { return s == name || strings.HasPrefix(s, name+"/") }) {
				by = append(by, p.name)
			}
		}
		if by == nil {
			by = []string{"tests"}
		}
		row := rows[name]
		if row == nil {
			t.Errorf("docs/architecture.md does not name %s, imported by %v", name, by)
			continue
		}
		var says []string
		for _, m := range backticked.FindAllStringSubmatch(row[1], -1) {
			says = append(says, m[1])
		}
		if says == nil {
			says = []string{strings.TrimSpace(row[1])}
		}
		if slices.Sort(says); !slices.Equal(says, by) {
			t.Errorf("docs/architecture.md says that %s is imported by %v; it is by %v", name, says, by)
		}
	}
	if len(rows) != len(direct) {
		t.Errorf("docs/architecture.md names %d dependencies, go.mod %d", len(rows), len(direct))
	}
}

// What is linked into the program comes in by decision alone: deps.txt is reviewed as code is.
func TestTheProgramLinksWhatDepsNames(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "./cmd/plimsoll")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		linked[name] = true
	}
	delete(linked, module)
	want, err := os.ReadFile("deps.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(slices.Sorted(maps.Keys(linked)), "\n") + "\n"; got != string(want) {
		t.Errorf("the program links\n%s\nand deps.txt names\n%s", got, want)
	}
}
