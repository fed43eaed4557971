package conformance

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/lab/document"
)

var (
	tableFile = flag.String("table", "", "a document to put the table of all cases into")
	rowsFile  = flag.String("rows", "", "a file to write the table of all cases to, as JSON")
)

// row is what was expected of a case, and what was seen. Its name begins with that of the case: IoT-5-v4.
type row struct{ Name, Expected, Seen string }

func (r row) fails() bool { return r.Expected != r.Seen }

// table is what was expected and what was seen. It is for one test.
type table struct{ rows []row }

// all are the rows of every test that has ended.
var all struct {
	sync.Mutex
	rows []row
}

func (b *table) check(t *testing.T, name string, expected, seen any) {
	t.Helper()
	r := row{name, word(expected), word(seen)}
	if r.fails() {
		t.Errorf("%s: expected %s, seen %s", r.Name, r.Expected, r.Seen)
	}
	b.rows = append(b.rows, r)
}

func word(v any) string {
	switch v {
	case true:
		return "yes"
	case false:
		return "no"
	}
	return fmt.Sprint(v)
}

// probe is something to try, and whether it should come about.
type probe struct {
	name     string
	expected bool
	try      func() bool
}

// try tries all at once: each has a receiver, or a word to it, of its own.
func (b *table) try(t *testing.T, list ...probe) {
	t.Helper()
	seen := make([]bool, len(list))
	var wait sync.WaitGroup
	for i, p := range list {
		wait.Go(func() { seen[i] = p.try() })
	}
	wait.Wait()
	for i, p := range list {
		b.check(t, p.name, p.expected, seen[i])
	}
}

// print ends a table: it is shown, and joins the others.
func (b *table) print(t *testing.T) {
	t.Logf("\n%s", text(b.rows))
	all.Lock()
	defer all.Unlock()
	all.rows = append(all.rows, b.rows...)
}

func text(rows []row) string {
	width := utf8.RuneCountInString("case")
	for _, r := range rows {
		width = max(width, utf8.RuneCountInString(r.Name))
	}
	var s strings.Builder
	line := func(name, expected, seen, mark string) {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(name))
		s.WriteString(strings.TrimRight(fmt.Sprintf("%s%s  %-9s %-9s %s", name, pad, expected, seen, mark), " ") + "\n")
	}
	line("case", "expected", "seen", "")
	for _, r := range rows {
		mark := "ok"
		if r.fails() {
			mark = "FAILS"
		}
		line(r.Name, r.Expected, r.Seen, mark)
	}
	return s.String()
}

// report is the table of all tests, in the order of the cases.
func report() []row {
	all.Lock()
	defer all.Unlock()
	rows := slices.Clone(all.rows)
	slices.SortStableFunc(rows, func(a, b row) int {
		n, m := number(a.Name), number(b.Name)
		return cmp.Or(cmp.Compare(n, m), strings.Compare(caseOf(a.Name), caseOf(b.Name)))
	})
	return rows
}

// caseOf is the word that names the case of a row; "" where none does.
func caseOf(name string) string {
	word, _, _ := strings.Cut(name, " ")
	id, named := strings.CutSuffix(word, ":")
	if named || strings.HasPrefix(id, "IoT-") || strings.HasSuffix(id, "-v4") || strings.HasSuffix(id, "-v6") {
		return id
	}
	return ""
}

// number is that of a case of NIST SP 1800-15; those of others follow.
func number(name string) int {
	rest, ok := strings.CutPrefix(caseOf(name), "IoT-")
	digits, _, _ := strings.Cut(rest, "-")
	if n, err := strconv.Atoi(digits); ok && err == nil {
		return n
	}
	return 1000
}

// finish prints the table of all tests, and puts it into the document that was named. It reports whether that was done.
func finish() bool {
	rows := report()
	if len(rows) == 0 {
		return true
	}
	failed := 0
	for _, r := range rows {
		if r.fails() {
			failed++
		}
	}
	if testing.Verbose() {
		fmt.Printf("\n%s\n%d cases, %d fail\n", text(rows), len(rows), failed)
	}
	if *rowsFile != "" {
		data, _ := json.MarshalIndent(rows, "", "\t")
		if err := os.WriteFile(*rowsFile, data, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return false
		}
	}
	if *tableFile == "" {
		return true
	}
	d, err := document.Open(*tableFile, "cases")
	if err == nil {
		err = d.Write(markdown(rows))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return err == nil
}

// markdown is the table as a document shows it.
func markdown(rows []row) string {
	var s strings.Builder
	s.WriteString("| case | what is tried | expected | seen |\n| --- | --- | --- | --- |\n")
	for _, r := range rows {
		id := caseOf(r.Name)
		what := strings.TrimLeft(strings.TrimPrefix(r.Name, id), ": ")
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", id, what, r.Expected, r.Seen)
	}
	fmt.Fprintf(&s, "\n%d rows.\n", len(rows))
	return s.String()
}
