package pjl

import (
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func TestPrinter(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		s        dissect.State
	}{
		{"identity", "@PJL INFO ID\r\n\"HP LaserJet 4250\"\r\n\f", []string{"pjl.id HP LaserJet 4250"}, dissect.Done},
		{
			"after its status", "\x1b%-12345X@PJL INFO STATUS\r\nCODE=10001\r\nDISPLAY=\"Ready\"\r\n\f@PJL INFO ID\r\nBrother HL-2270DW\r\n\f",
			[]string{"pjl.id Brother HL-2270DW"},
			dissect.Done,
		},
		{"status alone", "@PJL USTATUS DEVICE\r\nCODE=10001\r\n", nil, dissect.Next},
		{"text", "@PROJECT\r\n", nil, dissect.No},
		{"binary", "@PJL\x00\r\n", nil, dissect.No},
	} {
		for _, size := range []int{1, 9, len(tt.in)} {
			got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split([]byte(tt.in), size)...)
			if s != tt.s {
				t.Errorf("%s in segments of %d: state %d, want %d", tt.name, size, s, tt.s)
			}
			dissecttest.Equal(t, got, tt.want)
		}
	}
}

func TestJobsArePassedOver(t *testing.T) {
	job := "\x1b%-12345X@PJL JOB NAME = \"diary\"\r\n@PJL INFO ID\r\n\"no\"\r\n"
	got, s := dissecttest.Stream(t, Dissect, dissect.Message{FromInitiator: true}, []byte(job))
	if s != dissect.Done || len(got) > 0 {
		t.Errorf("state %d, facts %q", s, got)
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte("@PJL INFO ID\r\n\"x\"\r\n\f"), 5, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, client bool) {
		m := dissect.Message{FromInitiator: client}
		dissecttest.Stream(t, Dissect, m, dissecttest.Split(b, max(size, len(b)/100))...)
	})
}
