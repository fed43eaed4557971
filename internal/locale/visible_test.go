package locale_test

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/locale"
)

func TestWhatMisleadsAReaderIsNotShown(t *testing.T) {
	for in, want := range map[string]string{
		"Caméra\tdu salon\n":        "Caméra\tdu salon\n",
		"cam\u202egpj.exe":          "cam\ufffdgpj.exe",
		"a\x1b[31mb\rc\x00":         "a\ufffd[31mb\ufffdc\ufffd",
		"👩\u200d🔧 نامه\u200cای":     "👩\u200d🔧 نامه\u200cای",
		"zero\u200bwidth\u2028line": "zero\ufffdwidth\ufffdline",
		"\U000e0041\u2066tag\ue000": "\ufffd\ufffdtag\ufffd",
	} {
		if got := strings.Map(locale.Visible, in); got != want {
			t.Errorf("%q is shown as %q, not %q", in, got, want)
		}
	}
}
