package detect

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of thresholds anew")

func TestTheDocumentListsTheThresholdsAsTheyAre(t *testing.T) {
	const name, head = "../../docs/accuracy.md", "| threshold | default | of | why |\n|---|---|---|---|\n"
	var table strings.Builder
	table.WriteString(head)
	for _, x := range Thresholds() {
		fmt.Fprintf(&table, "| `%s` | %g | %s | %s |\n", x.Name, x.Default, x.Unit, x.Reason)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(data), head)
	want := text + table.String()
	if string(data) == want {
		return
	}
	if !*update {
		t.Fatalf("%s does not list the thresholds as they are: run go test ./internal/detect -run Document -update", name)
	}
	if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
